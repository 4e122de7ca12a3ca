//! The report as text.

use crate::cli::counted::counted;
use crate::convert::{Report, Subject, Verdict};
use crate::diagnostic::Escaped;
use std::fmt;

impl fmt::Display for Report {
    /// Each Ingress with what becomes of its settings, the worst first, then notes, and a line that sums up.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ingresses.iter().try_for_each(|subject| write_subject(f, subject))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {}", Escaped(note)))?;
        let left = self.count(Verdict::NotConverted);
        let differs = self.count(Verdict::Differs);
        let all = self.ingresses.len();
        let ingresses = counted(all, "Ingress");
        writeln!(f, "{ingresses}: {} converted, {differs} with a difference, {left} not", all - left)
    }
}

fn write_subject(f: &mut fmt::Formatter<'_>, subject: &Subject) -> fmt::Result {
    writeln!(f, "{}: {}", Escaped(&subject.object), subject.verdict.name())?;
    for finding in &subject.findings {
        write!(f, "  {:13} {}", finding.verdict.name(), Escaped(&finding.setting))?;
        if let Some(value) = &finding.value {
            write!(f, ": {value:?}")?;
        }
        writeln!(f, "\n                  {}", Escaped(&finding.detail))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::Finding;

    #[test]
    fn an_ingress_is_told_setting_by_setting() {
        let finding = |verdict, setting: &str, value: Option<&str>, detail: &str| Finding {
            verdict,
            setting: setting.to_owned(),
            value: value.map(Into::into),
            detail: detail.to_owned(),
        };
        let findings = vec![
            finding(Verdict::NotConverted, "a/server-snippet", Some("x\n"), "because"),
            finding(Verdict::Converted, "spec.rules", None, "a route"),
        ];
        let subject = Subject { verdict: Verdict::NotConverted, object: "Ingress a/b".to_owned(), findings };
        let report = Report { ingresses: vec![subject], notes: vec!["beside".to_owned()] };
        assert_eq!(
            report.to_string(),
            "Ingress a/b: not converted\n  not converted a/server-snippet: \"x\\n\"\n                  because\n  converted     \
             spec.rules\n                  a route\nnote: beside\n1 Ingress: 0 converted, 0 with a difference, 1 not\n"
        );
    }
}

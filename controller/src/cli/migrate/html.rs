//! The report as one page that needs no other file and no script.

use super::findings::{Finding, Subject, Verdict};
use super::live::{self, Comparison};
use super::replay::{Group, Replay};
use super::report::Report;
use crate::diagnostic;
use std::fmt::{self, Write as _};

const STYLE: &str = "\
    body{font:15px/1.45 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}\
    h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
    th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #d5dae0;overflow-wrap:anywhere}\
    code{font-size:.92em}details{border:1px solid #d5dae0;border-radius:4px;margin:.4rem 0;padding:.3rem .7rem}\
    summary{cursor:pointer}ul{margin:.2rem 0;padding-left:1.1rem}.n{text-align:right}\
    .v{font-weight:600;white-space:nowrap}.refused{color:#a40e26}.faulty{color:#953800}.ignored{color:#7a4100}\
    .differs{color:#0550ae}.exact{color:#116329}.changes{color:#a40e26}.same{color:#116329}.untold{color:#7a4100}\
    .different{color:#a40e26}.unstable{color:#7a4100}";

/// Text of somebody else's within HTML: nothing of it is markup, and nothing changes how it is shown.
pub(super) struct Html<'a, T>(pub(super) &'a T);

impl<T: fmt::Display> fmt::Display for Html<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in diagnostic::Escaped(self.0).to_string().chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// The page.
pub(super) fn page(report: &Report) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>From ingress-nginx to Adit</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>From ingress-nginx to Adit</h1>\n"
    );
    sums(&mut page, report);
    page.push_str("<h2>Objects</h2>\n");
    report.objects.iter().for_each(|subject| object(&mut page, subject));
    list(
        &mut page,
        "Ingresses that ingress-nginx does not serve either",
        report.others.iter().map(|other| format!("{}: {}", other.object, other.why)),
    );
    list(&mut page, "Not looked at", report.notes.iter().cloned());
    report.replay.iter().for_each(|replayed| replay(&mut page, replayed));
    report.comparison.iter().for_each(|compared| comparison(&mut page, compared));
    page.push_str("</body>\n</html>\n");
    page
}

fn sums(page: &mut String, report: &Report) {
    page.push_str("<h2>Ingresses, by the worst of their settings</h2>\n<table>\n");
    for sum in &report.ingresses {
        let (name, meaning) = (sum.verdict.name(), sum.verdict.meaning());
        let _ = writeln!(page, "<tr><td class=\"n\">{}<td class=\"v {name}\">{name}<td>{meaning}</tr>", sum.count);
    }
    page.push_str("</table>\n");
    if report.settings.is_empty() {
        return;
    }
    page.push_str(
        "<h2>Settings that are not exact</h2>\n<table>\n<tr><th class=\"n\">Ingresses<th>verdict<th>setting</tr>\n",
    );
    for sum in &report.settings {
        let name = sum.verdict.name();
        let setting = Html(&sum.setting);
        let _ = writeln!(
            page,
            "<tr><td class=\"n\">{}<td class=\"v {name}\">{name}<td><code>{setting}</code></tr>",
            sum.count
        );
    }
    page.push_str("</table>\n");
}

fn object(page: &mut String, subject: &Subject) {
    let name = subject.verdict.name();
    let open = if subject.verdict <= Verdict::Faulty { " open" } else { "" };
    let _ = write!(page, "<details{open}><summary><span class=\"v {name}\">{name}</span> {}", Html(&subject.object));
    if let Some(place) = &subject.place {
        let _ = write!(page, " <small>({})</small>", Html(place));
    }
    page.push_str("</summary>\n<table>\n");
    subject.findings.iter().for_each(|found| finding(page, found));
    page.push_str("</table></details>\n");
}

fn finding(page: &mut String, finding: &Finding) {
    let name = finding.verdict.name();
    let _ = write!(page, "<tr><td class=\"v {name}\">{name}<td><code>{}</code>", Html(&finding.setting));
    if let Some(value) = &finding.value {
        let _ = write!(page, "<br><code>{}</code>", Html(value));
    }
    page.push_str("<td>");
    for (number, line) in finding.details.iter().flat_map(|detail| detail.split('\n')).enumerate() {
        let _ = write!(page, "{}{}", if number > 0 { "<br>" } else { "" }, Html(&line));
    }
    page.push_str("</tr>\n");
}

/// How many groups are shown.
const GROUPS: usize = 1000;

fn replay(page: &mut String, replay: &Replay) {
    let _ = write!(page, "<h2>Replay of {} lines of the log</h2>\n<table>\n", replay.lines);
    for (count, meaning) in replay.sums() {
        let _ = writeln!(page, "<tr><td class=\"n\">{count}<td>{meaning}</tr>");
    }
    page.push_str("</table>\n<table>\n<tr><th class=\"n\">requests<th>verdict<th>host and route<th>with Adit<th>in the log<th>such as</tr>\n");
    replay.groups.iter().take(GROUPS).for_each(|shown| group(page, shown));
    page.push_str("</table>\n");
    if replay.groups.len() > GROUPS {
        let _ = writeln!(page, "<p>And {} more groups: JSON has all.</p>", replay.groups.len() - GROUPS);
    }
    list(page, "Lines that could not be read", replay.first_unreadable.iter().cloned());
    list(page, "What the log does not say", replay.notes.iter().cloned());
}

fn group(page: &mut String, group: &Group) {
    let name = group.kind.name();
    let _ = writeln!(
        page,
        "<tr><td class=\"n\">{}<td class=\"v {name}\">{name}<td>{}<br>{}<td>{}<td>{}<td><code>{}</code></tr>",
        group.requests,
        Html(&group.host),
        Html(&group.route),
        Html(&group.outcome),
        Html(&group.log),
        Html(&group.example),
    );
}

fn comparison(page: &mut String, comparison: &Comparison) {
    let (against, with) = (Html(&comparison.against), Html(&comparison.with));
    let _ = write!(page, "<h2>Answers of {against} and {with}</h2>\n<table>\n");
    for (count, meaning) in comparison.sums() {
        let _ = writeln!(page, "<tr><td class=\"n\">{count}<td>{meaning}</tr>");
    }
    page.push_str(
        "</table>\n<table>\n<tr><th class=\"n\">requests<th>verdict<th>route<th>what differs<th>such as</tr>\n",
    );
    comparison.groups.iter().take(GROUPS).for_each(|shown| differences(page, shown));
    page.push_str("</table>\n");
    if comparison.groups.len() > GROUPS {
        let _ = writeln!(page, "<p>And {} more groups: JSON has all.</p>", comparison.groups.len() - GROUPS);
    }
    list(page, "Headers that are not compared", std::iter::once(comparison.left_out_headers.join(", ")));
    list(page, "What was not compared", comparison.notes.iter().cloned());
}

fn differences(page: &mut String, group: &live::Group) {
    let name = group.kind.name();
    let route = Html(&group.route);
    let _ = write!(page, "<tr><td class=\"n\">{}<td class=\"v {name}\">{name}<td>{route}<td>", group.requests);
    for difference in &group.differences {
        let (what, against, with) = (Html(&difference.what), Html(&difference.against), Html(&difference.with));
        let _ = write!(page, "{what}: <code>{against}</code> | <code>{with}</code><br>");
    }
    let _ = writeln!(page, "<td><code>{}</code></tr>", Html(&group.example));
}

/// A list under a heading, if there is anything to list.
fn list(page: &mut String, heading: &str, items: impl Iterator<Item = String>) {
    let items: Vec<_> = items.map(|item| format!("<li>{}</li>\n", Html(&item))).collect();
    if !items.is_empty() {
        let _ = write!(page, "<h2>{heading}</h2>\n<ul>\n{}</ul>\n", items.concat());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_others_is_markup() {
        let hostile = "<script>alert('x')</script>\"&\u{202e}\u{1b}[31m\nnext";
        assert_eq!(
            Html(&hostile).to_string(),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;\\u{202e}\\u{1b}[31m\\nnext"
        );
    }
}

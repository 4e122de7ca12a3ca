//! What becomes of each setting.

use super::{CONTROLLER, INGRESSES, directory, one, report, run, select, text, usual};
use controller::annotation::Annotation;
use controller::registry::Support;
use serde_json::Value;

const PREFIX: &str = "nginx.ingress.kubernetes.io/";

fn finding<'v>(report: &'v Value, object: &str, setting: &str) -> &'v Value {
    one(&one(&report["objects"], &[("object", object)])["findings"], &[("setting", setting)])
}

fn verdict<'v>(report: &'v Value, object: &str, setting: &str) -> &'v str {
    finding(report, object, setting)["verdict"].as_str().expect("a verdict")
}

fn details(finding: &Value) -> String {
    finding["details"].as_array().expect("details").iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_setting_has_its_verdict() {
    let report = report(&usual(), &[]);
    for (object, setting, expected) in [
        ("Ingress shop/shop", "configuration-snippet", "refused"),
        ("Ingress shop/shop", "rewrite-target", "differs"),
        ("Ingress shop/shop", "proxy-body-size", "exact"),
        ("Ingress shop/blog", "proxy-read-timeout", "faulty"),
        ("Ingress shop/blog", "proxy-bodysize", "ignored"),
        ("Ingress shop/blog", "enable-rewrite-log", "ignored"),
        ("Ingress shop/blog", "limit-rps", "exact"),
    ] {
        assert_eq!(verdict(&report, object, &format!("{PREFIX}{setting}")), expected, "{setting}");
    }
    let map = "ConfigMap ingress-nginx/ingress-nginx-controller";
    let arguments = "arguments of Deployment ingress-nginx/ingress-nginx-controller";
    for (object, setting, expected) in [
        (map, "proxy-body-sise", "ignored"),
        (map, "worker-cpu-affinity", "ignored"),
        (map, "proxy-read-timeout", "exact"),
        (arguments, "--enable-ssl-pasthrough", "ignored"),
        (arguments, "--sync-period", "ignored"),
        (arguments, "--configmap", "exact"),
    ] {
        assert_eq!(verdict(&report, object, setting), expected, "{setting}");
    }
}

#[test]
fn misspelt_names_are_named_with_what_was_meant() {
    let report = report(&usual(), &[]);
    for (object, setting, meant) in [
        ("Ingress shop/blog", "nginx.ingress.kubernetes.io/proxy-bodysize", "proxy-body-size"),
        ("ConfigMap ingress-nginx/ingress-nginx-controller", "proxy-body-sise", "proxy-body-size"),
        (
            "arguments of Deployment ingress-nginx/ingress-nginx-controller",
            "--enable-ssl-pasthrough",
            "enable-ssl-passthrough",
        ),
    ] {
        let said = details(finding(&report, object, setting));
        assert!(said.contains(&format!("did you mean {meant:?}?")), "{said}");
    }
}

#[test]
fn a_snippet_is_told_line_by_line() {
    let report = report(&usual(), &[]);
    let said = details(finding(&report, "Ingress shop/shop", &format!("{PREFIX}configuration-snippet")));
    assert!(said.contains("every request is answered with 503"), "{said}");
    assert!(said.contains("line 1: works: more_set_headers"), "{said}");
    assert!(said.contains("line 2: fault: the snippet is not nginx's syntax"), "{said}");
    assert_eq!(said.matches("line 2").count(), 1, "{said}");
}

#[test]
fn what_hurts_most_comes_first() {
    let report = report(&usual(), &[]);
    let rank = |verdict: &Value| {
        let all = ["refused", "faulty", "ignored", "differs", "exact"];
        all.iter().position(|name| *verdict == **name).expect("a verdict")
    };
    let objects = report["objects"].as_array().expect("objects");
    assert!(objects.is_sorted_by_key(|object| rank(&object["verdict"])));
    for object in objects {
        let findings = object["findings"].as_array().expect("findings");
        assert!(findings.is_sorted_by_key(|finding| rank(&finding["verdict"])));
        assert_eq!(findings.first().map_or(4, |finding| rank(&finding["verdict"])), rank(&object["verdict"]));
    }
    let counts: Vec<_> = report["ingresses"].as_array().expect("sums").iter().map(|sum| &sum["count"]).collect();
    assert_eq!(counts, [1, 1, 0, 0, 2], "refused, faulty, ignored, differs, exact");
}

/// Every annotation of the registry, with a value that no entry takes for harmless: one that the documentation calls
/// ignored is never called exact.
#[test]
fn verdicts_are_those_of_the_documentation() {
    let ignored: Vec<_> = Annotation::all()
        .filter(|annotation| matches!(annotation.support, Support::Ignored(_)) && !annotation.facets.is_own)
        .collect();
    assert!(ignored.len() > 10);
    let lines = ignored.iter().map(|annotation| format!("    {PREFIX}{}: \"something\"\n", annotation.name));
    let ingress = format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: all\n  annotations:\n{}spec:\n  rules: []\n",
        lines.collect::<String>()
    );
    let report = report(&directory(&[("all.yaml", &ingress)]), &[]);
    for annotation in ignored {
        let name = format!("{PREFIX}{}", annotation.name);
        assert_eq!(verdict(&report, "Ingress default/all", &name), "ignored", "{name}");
    }
}

#[test]
fn arguments_decide_which_ingresses_count() {
    let objects = usual();
    let others = |report: &Value| {
        let others = report["others"].as_array().expect("others").iter();
        others.map(|other| other["object"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(others(&report(&objects, &[])), ["Ingress shop/other"]);
    assert_eq!(
        others(&report(&objects, &["--args=--controller-class=example.com/x --ingress-class=traefik"])).len(),
        4
    );
    let strict = "--args=--watch-ingress-without-class=false --configmap=a/b";
    let strict = report(&objects, &[strict]);
    assert_eq!(others(&strict), ["Ingress shop/other", "Ingress shop/plain"]);
    let notes = strict["notes"].as_array().expect("notes");
    assert!(notes.iter().any(|note| note.as_str().is_some_and(|note| note.contains("ConfigMap a/b is not there"))));
    assert!(select(&strict["objects"], &[("object", "arguments of --args")]).len() == 1);
}

#[test]
fn without_arguments_the_report_says_what_it_presumes() {
    let said = text([directory(&[("ingresses.yaml", INGRESSES)]).path()]);
    assert!(said.contains("note: no Deployment or DaemonSet of ingress-nginx is found"), "{said}");
    assert!(said.contains("note: there is no --configmap"), "{said}");
}

#[test]
fn the_page_shows_hostile_text_as_text() {
    const HOSTILE: &str = "</code><script>alert(1)</script><img src=x onerror=alert(2)>";
    let ingress = INGRESSES.replace("soon", &format!("'{HOSTILE}'")).replace("proxy-bodysize", "proxy-bodysize<b>x");
    let objects = directory(&[("controller.yaml", CONTROLLER), ("<script>.yaml", &ingress)]);
    let page = text([objects.path().to_str().expect("a path"), "--output=html"]);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
    for markup in ["<script", "<img", "<b>", "http://", "https://"] {
        assert!(!page.contains(markup), "{markup}");
    }
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
}

#[test]
fn a_path_that_is_not_there_is_an_error() {
    let output = run(["/nowhere"], b"");
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot read /nowhere"), "{output:?}");
}

#[test]
fn the_objects_may_come_from_standard_input() {
    let output = run(["-", "--output=json"], format!("{CONTROLLER}\n---\n{INGRESSES}").as_bytes());
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(verdict(&report, "Ingress shop/shop", &format!("{PREFIX}rewrite-target")), "differs");
}

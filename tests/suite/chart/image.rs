//! The image has one name in the chart and in the manifests, and gets another one in both.

use super::rendered::{chart, helm};
use crate::manifests::{Installation, directory, text};
use serde_json::Value;
use std::fs;
use std::process::Command;

/// Of a registry with a port, as those within clusters have it.
const OTHER: &str = "registry.example.com:5000/mirror/adit";

#[test]
fn the_chart_has_the_image_of_the_manifests() {
    let file = fs::read_to_string(chart().join("Chart.yaml")).expect("Chart.yaml");
    let annotations: Value = serde_saphyr::from_str(&file).expect("YAML");
    let named = text(&annotations["annotations"]["adit.dev/image"]);
    let image = text(&Installation::named("loadbalancer").container()["image"]);
    assert_eq!(image, format!("{named}:{}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn another_name_is_in_all_manifests_and_in_the_chart() {
    let folder = tempfile::tempdir().expect("a directory");
    let renamed = Command::new(directory().join("with-image")).arg(OTHER).arg(folder.path()).output().expect("a shell");
    assert!(renamed.status.success(), "{}", String::from_utf8_lossy(&renamed.stderr));

    let expected = format!("image: {OTHER}:{}", env!("CARGO_PKG_VERSION"));
    for install in Installation::all() {
        let file = folder.path().join(format!("install/{}.yaml", install.name));
        let images: Vec<_> =
            fs::read_to_string(&file).expect("a file").lines().filter_map(image_of).map(str::to_owned).collect();
        assert_eq!(images, [expected.as_str()], "{}", install.name);
    }
    let chart = folder.path().join("chart/adit");
    let rendered = helm(&["template", "adit", chart.to_str().expect("a path in UTF-8")]);
    let rendered = String::from_utf8(rendered.stdout).expect("UTF-8");
    assert_eq!(rendered.lines().filter_map(image_of).collect::<Vec<_>>(), [expected.as_str()]);
}

#[test]
fn a_name_with_a_tag_is_refused() {
    let folder = tempfile::tempdir().expect("a directory");
    for name in ["", "registry.example.com/adit:1.0", "registry.example.com/other"] {
        let output =
            Command::new(directory().join("with-image")).arg(name).arg(folder.path()).output().expect("a shell");
        assert!(!output.status.success(), "{name:?} is accepted");
        assert!(String::from_utf8_lossy(&output.stderr).contains("expected the name of an image"), "{name:?}");
    }
}

fn image_of(line: &str) -> Option<&str> {
    Some(line.trim()).filter(|line| line.starts_with("image: "))
}

//! The reference cases and known faults that need a cluster and are no fixtures: each is a test of this binary.

use anyhow::Result;

/// The beginnings of their names.
const CASES: &[&str] = &[
    "classes::i02_",
    "classes::i04_",
    "classes::i07_",
    "classes::i08_",
    "classes::i10_",
    "classes::v08_",
    "classes::v09_",
    "flags::i20_",
    "flags::j16_",
    "flags::j17_",
    "flags::j18_",
    "rollouts::b23_",
    "rollouts::j24_",
    "seeds::s1::machine::fault_n11_",
    "webhook::v01_",
];

#[test]
fn no_case_is_missing() -> Result<()> {
    assert_eq!(tests::listed::missing(CASES)?, [""; 0]);
    Ok(())
}

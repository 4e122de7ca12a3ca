//! How values name objects.

use crate::object::NamespacedName;

/// The object that a value names: `namespace/name`, or only `name` where the setting stands in an object of this
/// `namespace`, as annotations do. Keys of the ConfigMap and flags have none, and need the whole form.
pub(crate) fn object_name(value: &str, namespace: Option<&str>) -> Option<NamespacedName> {
    let value = value.trim();
    if value.contains('/') {
        return value.parse().ok();
    }
    let namespace = namespace.filter(|_| !value.is_empty())?;
    Some(NamespacedName { namespace: namespace.into(), name: value.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_whole_or_of_the_namespace() {
        let name = |value, namespace| object_name(value, namespace).map(|name| name.to_string());
        assert_eq!(name(" a/b ", Some("shop")).as_deref(), Some("a/b"));
        assert_eq!(name("b", Some("shop")).as_deref(), Some("shop/b"));
        for (value, namespace) in [("b", None), ("", Some("shop")), ("a/b/c", Some("shop")), ("/b", Some("shop"))] {
            assert_eq!(name(value, namespace), None, "{value:?}");
        }
    }
}

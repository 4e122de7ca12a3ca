/// Why a part of an object cannot be served as it is meant: the field in it, the value, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) field: String,
    pub(super) value: String,
    pub(super) message: String,
}

pub(super) type Read<T> = Result<T, Wrong>;

impl Wrong {
    pub(super) fn new(field: impl Into<String>, value: &str, message: impl Into<String>) -> Self {
        Self { field: field.into(), value: value.to_owned(), message: message.into() }
    }

    /// The same of an object that has it within this field.
    pub(super) fn within(self, field: &str) -> Self {
        Self { field: format!("{field}.{}", self.field), ..self }
    }
}

pub(super) fn wrong<T>(field: impl Into<String>, value: &str, message: impl Into<String>) -> Read<T> {
    Err(Wrong::new(field, value, message))
}

use gateway::config::{MediaTypes, SubFilter, Template};
use std::sync::Arc;

/// What a block says of texts in bodies of responses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubFilterDirectives {
    /// `sub_filter`, in their order. Without any, those of the block around it hold.
    pub replaced: Vec<(Template, Template)>,
    /// `sub_filter_types`.
    pub types: Option<MediaTypes>,
    /// `sub_filter_once`.
    pub once: Option<bool>,
    /// `sub_filter_last_modified`.
    pub keeps_last_modified: Option<bool>,
}

impl SubFilterDirectives {
    /// Goes on with those of another snippet that stands in the same block.
    pub(super) fn append(&mut self, later: &Self) {
        self.replaced.extend(later.replaced.iter().cloned());
        self.types = self.types.take().or_else(|| later.types.clone());
        self.once = self.once.or(later.once);
        self.keeps_last_modified = self.keeps_last_modified.or(later.keeps_last_modified);
    }

    /// Those of this block, and those that it inherits.
    pub(crate) fn over(&self, outer: &Self) -> Self {
        Self {
            replaced: if self.replaced.is_empty() { &outer.replaced } else { &self.replaced }.clone(),
            types: self.types.clone().or_else(|| outer.types.clone()),
            once: self.once.or(outer.once),
            keeps_last_modified: self.keeps_last_modified.or(outer.keeps_last_modified),
        }
    }

    /// What is done with them; `None` is nothing.
    pub(crate) fn resolve(&self) -> Option<Arc<SubFilter>> {
        (!self.replaced.is_empty()).then(|| {
            Arc::new(SubFilter {
                replaced: self.replaced.as_slice().into(),
                types: self.types.clone().unwrap_or_else(|| MediaTypes::HtmlAnd([].into())),
                once: self.once.unwrap_or(true),
                keeps_last_modified: self.keeps_last_modified.unwrap_or(false),
            })
        })
    }
}

//! What is added to an error.

/// An addition to a server error.
pub struct Explanation {
    /// The DETAIL, if the error has none.
    pub detail: Option<String>,
    /// Sentences for the HINT.
    pub hints: Vec<String>,
}

//! The class of an error decides what happens next, and nothing else does: retry, dead letter, or crash.

/// What can be done about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The same call may succeed later: a broken connection, a database that restarts. The work is kept and tried again.
    Transient,
    /// Repeating cannot help: the input or the configuration is wrong. The delivery becomes a dead letter.
    Permanent,
    /// An assumption of the program does not hold. The process ends, loudly; the broker delivers again elsewhere.
    Bug,
}

/// An error that knows its class.
pub trait Classified: std::error::Error {
    fn class(&self) -> Class;
}

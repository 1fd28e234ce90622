//! What a call runs, and in which order.

/// Something with a version, as far as its order matters.
pub trait Versioned {
    /// The byte-ordered key of the version.
    fn key(&self) -> &[u8];
}

/// The pending migrations that an apply runs: all up to and including the target (all
/// of them without one), in natural version order.
pub fn up_to<M: Versioned>(mut pending: Vec<M>, target: Option<&[u8]>) -> Vec<M> {
    pending.retain(|m| target.is_none_or(|target| m.key() <= target));
    pending.sort_by(|a, b| a.key().cmp(b.key()));
    pending
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Pending(&'static [u8]);

    impl Versioned for Pending {
        fn key(&self) -> &[u8] {
            self.0
        }
    }

    fn pending() -> Vec<Pending> {
        vec![Pending(b"c"), Pending(b"a"), Pending(b"d")]
    }

    #[test]
    fn takes_all_in_order_without_a_target() {
        assert_eq!(up_to(pending(), None), [Pending(b"a"), Pending(b"c"), Pending(b"d")]);
    }

    #[test]
    fn stops_at_the_target() {
        assert_eq!(up_to(pending(), Some(b"c")), [Pending(b"a"), Pending(b"c")]);
        // An applied target isn't pending; what lies below it is still run.
        assert_eq!(up_to(pending(), Some(b"b")), [Pending(b"a")]);
        assert_eq!(up_to(pending(), Some(b"0")), []);
    }
}

//! How much has happened: a rule that is never put to the test proves nothing.

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) seeds: usize,
    pub(crate) tokens: usize,
    pub(crate) errors: usize,
    pub(crate) refreshes: usize,
    /// Refreshes that brought no token.
    pub(crate) failed: usize,
    /// Answers after which the authority is to be left alone.
    pub(crate) holds: usize,
    pub(crate) pages: usize,
    pub(crate) joined: usize,
    pub(crate) killed: usize,
    pub(crate) signed_out: usize,
    /// Seeds in which all want the same and nothing goes wrong.
    pub(crate) herds: usize,
    pub(crate) out_of_patience: usize,
    /// Tokens an hour later.
    pub(crate) last_tokens: usize,
    /// Waits for the cache's lock, for another's sign-in, for the user code, and for a second try.
    pub(crate) waits: [usize; 4],
}

impl Tally {
    pub(crate) fn add(&mut self, mut other: Self) {
        self.fields().into_iter().zip(other.fields()).for_each(|(mine, theirs)| *mine += *theirs);
    }

    /// Whether all of it has happened, once in a hundred seeds at least.
    pub(crate) fn has_seen_all(mut self) -> bool {
        let seeds = self.seeds;
        self.fields().into_iter().all(|count| *count * 100 >= seeds)
    }

    fn fields(&mut self) -> Vec<&mut usize> {
        let Self { seeds, tokens, errors, refreshes, failed, holds, pages, joined, killed, .. } = self;
        let mut fields = vec![seeds, tokens, errors, refreshes, failed, holds, pages, joined, killed];
        fields.extend([&mut self.signed_out, &mut self.herds, &mut self.out_of_patience, &mut self.last_tokens]);
        fields.extend(&mut self.waits);
        fields
    }
}

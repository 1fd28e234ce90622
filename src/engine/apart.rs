//! A migration that can't run inside a transaction: what comes around its statements,
//! which are transactions of their own ([`super::nontransactional`]).

use super::body::Done;
use super::nontransactional::{self, Script};
use super::run::{RenewLock, Run};
use super::step::{Begun, Step};
use crate::domain::checksum;
use crate::error::{Result, arguments};
use crate::pg::guc::Picture;
use crate::pg::transaction;
use crate::store::Batch;
use crate::store::journal::JournalKey;
use crate::store::script::StoredScript;

impl<'a> Run<'a> {
    /// Takes a step in as many transactions as it needs. The record of it is made in the
    /// last one, which is open afterwards.
    pub(super) fn apart(
        &mut self,
        batch: Batch<'a>,
        step: &Step,
        text: &StoredScript,
        begun: Begun,
        renew_lock: RenewLock,
    ) -> Result<(Batch<'a>, Done)> {
        batch.close()?;
        let picture = Picture::take()?;
        transaction::commit()?;
        let done = self.statements_apart(step, &text.body, renew_lock);
        if done.is_err() {
            transaction::abort()?;
        }
        let restored = picture.restore().and_then(|()| transaction::commit());
        let mut done = done?;
        restored?;
        renew_lock()?;
        self.verify(step, text, &mut done.messages)?;
        let batch = self.open()?;
        let claimed = self.claim(&batch, step, text, begun)?;
        self.record(&batch, step, claimed, text, begun)?;
        batch.forget_journal(self.project(step).id, step.key())?;
        Ok((batch, done))
    }

    fn statements_apart(&self, step: &Step, body: &str, renew_lock: RenewLock) -> Result<Done> {
        let project = self.project(step);
        let script = Script {
            of: JournalKey {
                project: project.id,
                key: step.key(),
                direction: step.direction().word(),
            },
            project,
            is_marked: step.mark() == Some(false),
            objects: &self.objects,
            renew_lock,
            arguments: &arguments(step.version().unwrap_or(step.name()), &project.name),
            show: &|number, of| {
                self.activity.show(&format!("{}, statement {number}/{of}", self.title));
            },
        };
        let body = checksum::without_bom(body);
        self.with(step, step.part(), body, None, |context| nontransactional::run(&script, context))
    }
}

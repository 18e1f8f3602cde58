//! What becomes of a create that the engine has given up.

use std::time::Duration;

use temporalio_common::RetryPolicy;
use temporalio_sdk::{
    ActivityExecutionError, ActivityOptions, WorkflowCancellationToken, WorkflowContext,
};

use super::{
    create::CreateStep,
    tasks::VoidTask,
    workflow::{JobWorkflow, both, now, queues},
};
use crate::job::{ClaimId, ClaimOutcome, Fact};

/// The outcome of a create that the engine has given up. An engine under load starts steps that reach no worker, and a worker may die
/// before it takes its claim: then the claim can be voided, and nothing was bought.
pub(super) async fn given_up(
    context: &WorkflowContext<JobWorkflow>,
    claim: ClaimId,
    mark: ClaimId,
    error: &ActivityExecutionError,
) -> Fact {
    let is_open = |state: &JobWorkflow| {
        let mut claims = state.job.claims().iter();
        claims.any(|record| record.id == claim && record.outcome == ClaimOutcome::Open)
    };
    // Histories of earlier versions go on without this step.
    if !context.state(is_open) || !context.patched(VOID) {
        return Fact::unclear(claim, error.to_string());
    }
    let timeouts = context.state(|state| state.input.timeouts);
    let task = VoidTask {
        claim: claim.clone(),
        mark,
    };
    let options = ActivityOptions::with_close_timeouts(both(timeouts.create, timeouts.poll))
        .task_queue(queues(context).create())
        .retry_policy(
            RetryPolicy::builder()
                .maximum_interval(Duration::from_secs(10))
                .build(),
        )
        .do_not_eagerly_execute(true)
        .cancellation_token(WorkflowCancellationToken::new())
        .build();
    match context
        .execute_activity(CreateStep::void, task, options)
        .await
    {
        Ok(true) => {
            // Creates may end at once, again and again.
            let next = now(context) + context.state(|state| state.job.pause());
            Fact::not_bought(claim, next, "the create ended before it took its claim")
        }
        Ok(false) | Err(_) => Fact::unclear(claim, error.to_string()),
    }
}

/// The change that added the step `void`.
const VOID: &str = "void";

//! Property tests of waits with arbitrary schedules, deadlines and durations.

use proptest::prelude::*;

use super::*;

/// A schedule that returns the given steps, in milliseconds, in turn.
#[derive(Clone, Debug)]
struct Any(Vec<u64>);

impl Schedule for Any {
    fn next(&self, state: &PollState<'_>) -> Duration {
        let step = self.0.get(state.polls as usize % self.0.len().max(1));
        Duration::from_millis(step.copied().unwrap_or(1))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_poll_is_late_and_the_last_is_at_the_deadline(
        steps in proptest::collection::vec(0_u64..40_000, 1..6),
        deadline in 1_u64..400,
        retry_after in proptest::option::of(0_u64..90),
    ) {
        let turn = match retry_after {
            Some(time) => Turn::RetryAfter(status("queued"), seconds(time)),
            None => queued(),
        };
        let options = WaitOptions::default()
            .schedule(Any(steps))
            .deadline(seconds(deadline));
        let run = paused(run(&[turn], handle(), options));
        prop_assert_eq!(run.polls.last(), Some(&(deadline * 1000)));
        let floor = retry_after.unwrap_or_default().min(60) * 1000;
        let before_last = run.polls.len() - 1;
        for pair in run.polls[..before_last].windows(2) {
            prop_assert!(pair[1] - pair[0] >= floor.max(100));
            prop_assert!(pair[1] - pair[0] <= floor.max(40_001));
        }
        prop_assert_eq!(run.end.unwrap_err().kind(), ErrorKind::DeadlineExceeded);
    }

    #[test]
    fn default_schedule_keeps_its_limits_and_the_deadline(
        id in ".{0,20}",
        ends in 1_u64..4_000,
        min_step in 1_u64..10,
        max_step in 10_u64..200,
        deadline in 1_u64..4_000,
        observations in 0_u64..40,
    ) {
        let planned = crate::schedule::Planned::default()
            .at_least(seconds(min_step))
            .at_most(seconds(max_step));
        let mut script = paused(async { script(&[Turn::EndsAt(seconds(ends))]) });
        let mut observed = Durations::default();
        for observation in 0..observations {
            let took = seconds(ends + observation)..=seconds(ends + observation + 3);
            observed.observe("klingai/v2-master-text-to-video", Some(5), took);
        }
        script.durations = Mutex::new(observed);
        let created = handle().created().unwrap().clone();
        let (model, length) = ("klingai/v2-master-text-to-video", Some(5));
        let route = Route::Universal;
        let handle = GenerationHandle::of(id, model, route, "https://a", length, created);
        let options = WaitOptions::default().schedule(planned).deadline(seconds(deadline));
        let (run, _) = paused(async move {
            script.began = Instant::now();
            follow(script, handle, options).await
        });
        let last = run.polls.last().copied().unwrap_or_default();
        prop_assert!(last <= deadline * 1000);
        prop_assert_eq!(run.end.is_ok(), ends <= deadline);
        if run.end.is_err() {
            prop_assert_eq!(last, deadline * 1000);
        }
        let all = std::iter::once(0).chain(run.polls.iter().copied());
        let all: Vec<u64> = all.collect();
        for pair in all.windows(2) {
            let step = pair[1] - pair[0];
            // The paused clock counts in milliseconds and rounds up.
            prop_assert!(step <= max_step * 1000 + 1, "{step}");
            prop_assert!(step >= min_step * 1000 || pair[1] == deadline * 1000, "{step}");
        }
    }
}

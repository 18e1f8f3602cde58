//! What holds whatever the schedule, the deadline and the end.

use proptest::prelude::*;

use super::*;

/// What a schedule of nobody in particular says.
#[derive(Clone, Debug)]
struct Any(Vec<u64>);

impl crate::schedule::Schedule for Any {
    fn next(&self, state: &PollState<'_>) -> Decision {
        let step = self.0.get(state.polls as usize % self.0.len().max(1));
        Decision::After(Duration::from_millis(step.copied().unwrap_or(1)))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_schedule_no_poll_is_late_and_the_last_is_at_the_deadline(
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
    fn the_default_schedule_keeps_to_its_limits_and_to_the_deadline(
        id in ".{0,20}",
        ends in 1_u64..4_000,
        least in 1_u64..10,
        most in 10_u64..200,
        deadline in 1_u64..4_000,
        finishes in 0_u64..40,
    ) {
        let planned = crate::schedule::Planned::default()
            .at_least(seconds(least))
            .at_most(seconds(most));
        let mut script = paused(async { script(&[Turn::EndsAt(seconds(ends))]) });
        let mut seen = Durations::default();
        for finish in 0..finishes {
            let took = seconds(ends + finish)..=seconds(ends + finish + 3);
            seen.observe("klingai/v2-master-text-to-video", Some(5), took);
        }
        script.durations = Mutex::new(seen);
        let created = handle().created().unwrap().clone();
        let model = "klingai/v2-master-text-to-video";
        let handle = GenerationHandle::of(id, model, Route::Universal, "https://a", created);
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
            prop_assert!(step <= most * 1000 + 1, "{step}");
            prop_assert!(step >= least * 1000 || pair[1] == deadline * 1000, "{step}");
        }
    }
}

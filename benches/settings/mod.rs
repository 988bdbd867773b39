//! What the benches have in common.

use std::time::Duration;

/// Short runs: the whole of the benches is meant to be run often.
pub(crate) fn settings() -> criterion::Criterion {
    criterion::Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1_500))
        .without_plots()
        .configure_from_args()
}

//! Publishing into a real Glance on the loopback: properties, rotation, kills at every moment, lines that break, and a
//! service that refuses. Keystone alone is played.

mod bench;
mod doors;
mod kills;
mod lines;
mod rotation;
mod service;

use service::Service;

use crate::program::have;

#[test]
fn a_real_glance() {
    if !have(&["glance-api", "glance-manage"], "publishing into a real Glance") {
        assert!(std::env::var_os("CI").is_none(), "glance-api has to be there");
        return;
    }
    let service = Service::start();
    rotation::three_builds_rotate(&service);
    rotation::a_private_image_is_promoted_without_another_upload(&service);
    rotation::an_image_that_needs_another_file_is_refused(&service);
    lines::broken_lines_are_mended(&service);
    lines::refusals_are_clear_and_leave_nothing(&service);
    doors::certificates_count(&service);
    doors::keystone_lets_in(&service);
    rotation::two_runs_at_once(&service);
    kills::kills_at_every_change(&service);
    kills::kills_at_random_moments(&service);
}

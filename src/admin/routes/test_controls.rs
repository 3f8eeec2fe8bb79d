//! Routes by which tests drive a server that lets them.

use crate::admin::controls::{clock, faults, profile, regions, reset, states};
use crate::admin::route::Route;
use crate::admin::route::Scope::{Admin as Administer, Read};
use http::{Method, StatusCode};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/test/clock",
            Read,
            ("getClock", "A test server's clock"),
            clock::show,
        ),
        Route::new(
            Method::POST,
            "/test/clock/stop",
            Administer,
            ("stopClock", "Stop the clock"),
            clock::stop,
        ),
        Route::new(
            Method::POST,
            "/test/clock/resume",
            Administer,
            ("resumeClock", "Let the clock go on"),
            clock::resume,
        ),
        Route::new(
            Method::POST,
            "/test/clock/advance",
            Administer,
            ("advanceClock", "Have time pass at once"),
            clock::advance,
        ),
        Route::new(
            Method::POST,
            "/test/clock/set",
            Administer,
            ("setClock", "Have time pass at once up to a time"),
            clock::set,
        ),
        Route::new(
            Method::GET,
            "/test/faults",
            Read,
            ("listFaults", "Fault rules, and what they did"),
            faults::list,
        ),
        Route::new(
            Method::POST,
            "/test/faults",
            Administer,
            (
                "setFault",
                "Set a fault rule, in the place of one of its name",
            ),
            faults::set,
        )
        .answering(StatusCode::CREATED),
        Route::new(
            Method::DELETE,
            "/test/faults",
            Administer,
            ("clearFaults", "Remove all fault rules"),
            faults::clear,
        ),
        Route::new(
            Method::DELETE,
            "/test/faults/{name}",
            Administer,
            ("removeFault", "Remove a fault rule"),
            faults::remove,
        ),
        Route::new(
            Method::GET,
            "/test/profile",
            Read,
            ("getProfile", "The production profile, and what it did"),
            profile::show,
        ),
        Route::new(
            Method::PUT,
            "/test/profile",
            Administer,
            (
                "setProfile",
                "Have the server behave as in production from now on",
            ),
            profile::set,
        ),
        Route::new(
            Method::DELETE,
            "/test/profile",
            Administer,
            ("endProfile", "End the production profile"),
            profile::end,
        ),
        Route::new(
            Method::GET,
            "/test/states",
            Read,
            ("listStates", "States of the server that are kept"),
            states::list,
        ),
        Route::new(
            Method::POST,
            "/test/states/{name}",
            Administer,
            (
                "saveState",
                "Keep what the server has under a name, in place of what that name had",
            ),
            states::save,
        ),
        Route::new(
            Method::POST,
            "/test/states/{name}/restore",
            Administer,
            (
                "restoreState",
                "Bring a state back, in place of all that there is",
            ),
            states::restore,
        ),
        Route::new(
            Method::DELETE,
            "/test/states/{name}",
            Administer,
            ("deleteState", "Forget a state"),
            states::delete,
        ),
        Route::new(
            Method::POST,
            "/test/reset",
            Administer,
            (
                "resetServer",
                "Delete everything, or what one account, region or project has",
            ),
            reset::reset,
        ),
    ]
}

pub(super) fn of_regions() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/test/regions",
            Read,
            (
                "getRegions",
                "Regions that Pub/Sub plays, and what lies between them",
            ),
            regions::show,
        ),
        Route::new(
            Method::PUT,
            "/test/regions",
            Administer,
            ("setRegions", "Set regions and what lies between them"),
            regions::set,
        ),
        Route::new(
            Method::DELETE,
            "/test/regions",
            Administer,
            (
                "resetRegions",
                "Bring back the regions that the server was started with, or none",
            ),
            regions::reset,
        ),
        Route::new(
            Method::POST,
            "/test/regions/latency",
            Administer,
            (
                "setRegionLatency",
                "Say how far two regions are from each other",
            ),
            regions::set_latency,
        ),
        Route::new(
            Method::POST,
            "/test/regions/cut",
            Administer,
            (
                "cutRegions",
                "Cut two regions off from each other, or one from all others",
            ),
            regions::cut,
        ),
        Route::new(
            Method::POST,
            "/test/regions/heal",
            Administer,
            (
                "healRegions",
                "Bring regions together again: two, one and all others, or all",
            ),
            regions::heal,
        ),
    ]
}

//! A decision allocates nothing, whatever the conditions.

use lclq_iam::{
    Level, Member, MemberKind, Permission, Permissions, Policy, Request, ResourceType, Roles,
    Source, decide, permitted,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::SystemTime;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: all of it is the system's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: as our caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as our caller promises.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_decision_allocates_nothing() {
    let policy = Policy::parse(
        r#"{"version": 3, "bindings": [
            {"role": "roles/pubsub.viewer", "members": ["allUsers", "group:a@example.com"]},
            {"role": "roles/pubsub.publisher", "members": ["user:Ann@example.com"], "condition":
                {"expression": "resource.name.extract('topics/{t}') == 'orders' && request.time > timestamp('2020-01-01T00:00:00Z') + duration('1s') && request.time.getHours('Europe/Berlin') < 24 && request.time > date(resource.name.extract('-{date}')) && resource.type in ['a', 'b']"}},
            {"role": "roles/pubsub.publisher", "members": ["domain:example.com"]}]}"#,
        Level::Resource,
        &Roles::new(),
    )
    .unwrap();
    let ann = Member {
        kind: MemberKind::User,
        id: "ann@example.com",
        groups: &["b@example.com"],
    };
    let request = Request {
        member: Some(&ann),
        resource_name: Some("projects/p/topics/orders"),
        resource_type: Some(ResourceType::Topic),
        time: SystemTime::now(),
    };
    let policies = [(Source::Project, &policy), (Source::Resource, &policy)];
    let before = ALLOCATIONS.with(Cell::get);
    let decision = decide(&policies, Permission::TopicsPublish, &request);
    let has = permitted(&policies, Permissions::ALL, &request);
    let allocations = ALLOCATIONS.with(Cell::get) - before;
    assert!(decision.allowed && has.has(Permission::TopicsGet));
    assert_eq!(allocations, 0);
}

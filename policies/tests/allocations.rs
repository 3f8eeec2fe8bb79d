//! A decision by policies with neither conditions nor variables allocates nothing.

use lclq_policies::{Keys, Outcome, Policy, Principal, PrincipalKind, Request, decide};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

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
fn a_decision_without_variables_allocates_nothing() {
    let identity = Policy::parse(
        r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sqs:*Message", "Resource": "arn:aws:sqs:*:*:?rders"},
            {"Effect": "Deny", "NotAction": "sqs:*", "NotResource": "*"}]}"#,
    );
    let resource = Policy::parse(
        r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Principal": {"AWS": ["arn:aws:iam::111122223333:role/team/one"]},
             "Action": "*", "Resource": "arn:aws:sqs:*:111122223333:orders",
             "Condition": {"Bool": {"aws:SecureTransport": "false"},
                           "IpAddress": {"aws:SourceIp": "192.0.2.0/24"},
                           "ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:t*"}}}]}"#,
    );
    let (identity, resource) = (identity.unwrap(), resource.unwrap());
    let request = Request {
        principal: Some(Principal {
            kind: PrincipalKind::Role,
            account: "111122223333",
            arn: "arn:aws:sts::111122223333:assumed-role/one/session",
            user_name: None,
        }),
        action: "sqs:SendMessage",
        resource: "arn:aws:sqs:eu-west-1:111122223333:orders",
        account: "111122223333",
        context: &Keys::new()
            .with("aws:SecureTransport", "false")
            .with("aws:SourceIp", "192.0.2.1")
            .with("aws:SourceArn", "arn:aws:sns:eu-west-1:111122223333:other"),
    };
    let before = ALLOCATIONS.with(Cell::get);
    let decision = decide(&[&identity], Some(&resource), &request);
    let allocations = ALLOCATIONS.with(Cell::get) - before;
    assert_eq!(decision.outcome, Outcome::Allowed);
    assert_eq!(allocations, 0);
}

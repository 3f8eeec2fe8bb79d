//! A dead-letter queue for what fails again and again, and its redrive.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{ListMessageMoveTasksResultEntry, QueueAttributeName};

pub async fn run(sqs: &Client) -> crate::Outcome {
    let failed = &crate::create_queue(sqs, "payments-failed", &[]).await?;
    let answer =
        sqs.get_queue_attributes().queue_url(failed).attribute_names(QueueAttributeName::QueueArn).send().await?;
    let source = &answer.attributes().unwrap()[&QueueAttributeName::QueueArn];
    let policy = format!(r#"{{"deadLetterTargetArn": "{source}", "maxReceiveCount": 2}}"#);
    let payments = &crate::create_queue(sqs, "payments", &[(QueueAttributeName::RedrivePolicy, &policy)]).await?;
    sqs.send_message().queue_url(payments).message_body("payment-1").send().await?;

    // A consumer that fails gives the message back at once, rather than have it wait for its time-out.
    let mut failures = 0;
    loop {
        let answer = sqs.receive_message().queue_url(payments).send().await?;
        let [message] = answer.messages() else { break };
        failures += 1;
        let give_back = sqs.change_message_visibility().queue_url(payments).visibility_timeout(0);
        give_back.receipt_handle(message.receipt_handle().unwrap()).send().await?;
    }
    assert_eq!(failures, 2);
    println!("failed {failures} times");

    let look = sqs.receive_message().queue_url(failed).wait_time_seconds(10).visibility_timeout(0);
    let dead = look.send().await?;
    println!("in the dead-letter queue: {}", dead.messages()[0].body().unwrap());

    // The cause is mended: everything goes back to where it came from.
    sqs.start_message_move_task().source_arn(source).send().await?;
    let mut task = newest_task(sqs, source).await?;
    for _ in 0..100 {
        if task.status() != Some("RUNNING") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        task = newest_task(sqs, source).await?;
    }
    assert_eq!((task.status(), task.approximate_number_of_messages_moved()), (Some("COMPLETED"), 1));

    let body = crate::receive_one(sqs, payments).await?;
    assert_eq!(body, "payment-1");
    println!("moved back and handled: {body}");
    sqs.delete_queue().queue_url(payments).send().await?;
    sqs.delete_queue().queue_url(failed).send().await?;
    Ok(())
}

async fn newest_task(sqs: &Client, source: &str) -> Result<ListMessageMoveTasksResultEntry, aws_sdk_sqs::Error> {
    let answer = sqs.list_message_move_tasks().source_arn(source).max_results(1).send().await?;
    Ok(answer.results()[0].clone())
}

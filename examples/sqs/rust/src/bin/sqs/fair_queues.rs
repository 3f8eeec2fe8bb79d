//! Fair queues: a standard queue whose messages name their tenant, so that a busy one delays nobody else.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageSystemAttributeName;

pub async fn run(sqs: &Client) -> crate::Outcome {
    let url = &crate::create_queue(sqs, "tenants", &[]).await?;
    for (tenant, count) in [("busy", 30), ("quiet", 3)] {
        for _ in 0..count {
            sqs.send_message().queue_url(url).message_body("work").message_group_id(tenant).send().await?;
        }
    }
    println!("the busy tenant has sent 30 messages, the quiet one 3 after them");

    // Nothing is deleted meanwhile, as if the work took long.
    let group = MessageSystemAttributeName::MessageGroupId;
    let mut first = Vec::new();
    while first.len() < 10 {
        let receive = sqs.receive_message().queue_url(url).wait_time_seconds(10);
        let answer = receive
            .max_number_of_messages(10 - first.len() as i32)
            .message_system_attribute_names(group.clone())
            .send()
            .await?;
        assert!(!answer.messages().is_empty(), "nothing came for 10 s");
        first.extend(answer.messages().iter().map(|message| message.attributes().unwrap()[&group].clone()));
    }
    let quiet = first.iter().filter(|tenant| *tenant == "quiet").count();
    assert_eq!(quiet, 3, "{first:?}");
    println!("of the first {} received, {quiet} are the quiet one's", first.len());
    sqs.delete_queue().queue_url(url).send().await?;
    Ok(())
}

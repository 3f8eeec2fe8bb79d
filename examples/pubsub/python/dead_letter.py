"""A dead-letter topic for what subscribers refuse again and again."""

from support import publish, receive, subscribe, topic_of

ATTEMPTS = 5  # the fewest that may be asked for

with topic_of("payments-failed") as failed, topic_of("payments") as topic:
    letters = subscribe(failed, "payments-failed")
    subscription = subscribe(
        topic,
        "payments",
        dead_letter_policy={"dead_letter_topic": failed, "max_delivery_attempts": ATTEMPTS},
        retry_policy={"minimum_backoff": "0.1s", "maximum_backoff": "0.1s"},
    )
    publish(topic, "payment-1")

    refused = receive(subscription, ATTEMPTS, ack=lambda message: message.nack())
    assert [message.delivery_attempt for message in refused] == [1, 2, 3, 4, 5]
    print(f"refused {len(refused)} times")

    [letter] = receive(letters, 1)
    assert letter.data == b"payment-1"
    assert letter.attributes["CloudPubSubDeadLetterSourceSubscription"] == "payments"
    print(f"in the dead-letter topic: {letter.data.decode()}")

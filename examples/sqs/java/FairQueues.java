import java.util.ArrayList;
import java.util.Collections;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;

/** Fair queues: a standard queue whose messages name their tenant, so that a busy one delays nobody else. */
public class FairQueues {
    public static void main(String[] args) {
        try (var sqs = SqsClient.create()) {
            var url = sqs.createQueue(r -> r.queueName("tenants")).queueUrl();
            send(sqs, url, "busy", 30);
            send(sqs, url, "quiet", 3);
            System.out.println("the busy tenant has sent 30 messages, the quiet one 3 after them");

            // Nothing is deleted meanwhile, as if the work took long.
            var first = new ArrayList<String>();
            while (first.size() < 10) {
                var messages = sqs.receiveMessage(r -> r.queueUrl(url).waitTimeSeconds(10)
                        .maxNumberOfMessages(10 - first.size())
                        .messageSystemAttributeNames(MessageSystemAttributeName.MESSAGE_GROUP_ID)).messages();
                Expect.that(!messages.isEmpty(), "nothing came for 10 s");
                messages.forEach(m -> first.add(m.attributes().get(MessageSystemAttributeName.MESSAGE_GROUP_ID)));
            }
            var quiet = Collections.frequency(first, "quiet");
            Expect.that(quiet == 3, first);
            System.out.printf("of the first %d received, %d are the quiet one's%n", first.size(), quiet);
            sqs.deleteQueue(r -> r.queueUrl(url));
        }
    }

    private static void send(SqsClient sqs, String url, String tenant, int count) {
        for (var i = 0; i < count; i++) {
            sqs.sendMessage(r -> r.queueUrl(url).messageBody("work").messageGroupId(tenant));
        }
    }
}

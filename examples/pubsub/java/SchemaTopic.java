import com.google.api.gax.rpc.InvalidArgumentException;
import com.google.pubsub.v1.Encoding;
import com.google.pubsub.v1.Schema;
import com.google.pubsub.v1.SchemaSettings;
import java.util.Map;
import java.util.concurrent.ExecutionException;

/** A topic with a schema takes only messages that fit it. */
public class SchemaTopic {
    static final String ORDER = """
            {
              "type": "record",
              "name": "Order",
              "fields": [{"name": "id", "type": "string"}, {"name": "amount", "type": "int"}]
            }""";

    public static void main(String[] args) throws Exception {
        try (var service = new Service()) {
            var definition = Schema.newBuilder().setType(Schema.Type.AVRO).setDefinition(ORDER).build();
            var schema = service.schemas.createSchema(service.project, definition, "order").getName();
            var settings = SchemaSettings.newBuilder().setSchema(schema).setEncoding(Encoding.JSON);
            var topic = service.topic("checked-orders", t -> t.setSchemaSettings(settings));
            var subscription = service.subscribe(topic, "checked-orders");

            var order = "{\"id\": \"order-1\", \"amount\": 3}";
            service.publish(topic, Map.of(), order);
            try {
                service.publish(topic, Map.of(), "{\"id\": \"order-2\"}");
                throw new AssertionError("an order without an amount was taken");
            } catch (ExecutionException refused) {
                Expect.that(refused.getCause() instanceof InvalidArgumentException, refused);
                System.out.println("refused an order without an amount");
            }

            var delivery = service.receive(subscription, 1).get(0);
            Expect.that(delivery.text().equals(order), delivery);
            var encoding = delivery.message().getAttributesOrThrow("googclient_schemaencoding");
            Expect.that(encoding.equals("JSON"), encoding);
            System.out.println("received order-1 with its amount");
            service.schemas.deleteSchema(schema);
        }
    }
}

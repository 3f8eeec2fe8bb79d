package lclq;

import static lclq.SchemasTest.AVRO;
import static lclq.SchemasTest.AVRO_WITH_DEFAULT;
import static lclq.SchemasTest.BOB_AVRO;
import static lclq.SchemasTest.BOB_JSON;
import static lclq.SchemasTest.BOB_PROTO;
import static lclq.SchemasTest.PROTO;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import com.google.pubsub.v1.Encoding;
import com.google.pubsub.v1.PubsubMessage;
import com.google.pubsub.v1.Schema;
import com.google.pubsub.v1.SchemaSettings;
import com.google.pubsub.v1.Topic;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Topics with a schema: what may be published to them. */
class SchemaTopicsTest extends PubSubTest {
    private static final ByteString WRONG = ByteString.copyFromUtf8("{\"name\":7}");

    private static Topic topicOf(Schema schema, Encoding encoding) {
        return topic(topic -> topic.setSchemaSettings(
                SchemaSettings.newBuilder().setSchema(schema.getName()).setEncoding(encoding)));
    }

    private static void publish(String topic, ByteString data) {
        publish(topic, PubsubMessage.newBuilder().setData(data).build());
    }

    /** Publishes a good and a wrong message, and looks at what the good one carries. */
    private static void holds(Schema schema, Encoding encoding, ByteString good) {
        var topic = topicOf(schema, encoding).getName();
        var subscription = subscription(topic);
        publish(topic, good);
        invalid("", () -> publish(topic, WRONG));
        var got = receiveOne(subscription).getMessage();
        assertEquals(good, got.getData());
        assertEquals(schema.getName(), got.getAttributesOrThrow("googclient_schemaname"));
        assertEquals(encoding.name(), got.getAttributesOrThrow("googclient_schemaencoding"));
        assertEquals(schema.getRevisionId(), got.getAttributesOrThrow("googclient_schemarevisionid"));
        isEmpty(subscription, "the wrong message was not published");
    }

    @Test
    void avroMessages() {
        var schema = SchemasTest.schema(Schema.Type.AVRO, AVRO);
        holds(schema, Encoding.JSON, BOB_JSON);
        holds(schema, Encoding.BINARY, BOB_AVRO);
    }

    @Test
    void protobufMessages() {
        var schema = SchemasTest.schema(Schema.Type.PROTOCOL_BUFFER, PROTO);
        holds(schema, Encoding.JSON, BOB_JSON);
        holds(schema, Encoding.BINARY, BOB_PROTO);
    }

    @Test
    void oneWrongMessageRefusesTheRequest() {
        var topic = topicOf(SchemasTest.schema(Schema.Type.AVRO, AVRO), Encoding.JSON).getName();
        var subscription = subscription(topic);
        invalid("", () -> publish(
                topic,
                PubsubMessage.newBuilder().setData(BOB_JSON).build(),
                PubsubMessage.newBuilder().setData(WRONG).build()));
        isEmpty(subscription, "none of them is published");
    }

    @Test
    void newRevisionIsAcceptedAndNamed() {
        var schema = SchemasTest.schema(Schema.Type.AVRO, AVRO);
        var topic = topicOf(schema, Encoding.JSON).getName();
        var subscription = subscription(topic);
        var withEmail = ByteString.copyFromUtf8("{\"name\":\"bob\",\"age\":30,\"email\":\"b@c\"}");
        invalid("", () -> publish(topic, withEmail));
        var second = SCHEMAS.commitSchema(
                schema.getName(), SchemasTest.definition(Schema.Type.AVRO, AVRO_WITH_DEFAULT));
        publish(topic, withEmail);
        var got = receiveOne(subscription).getMessage();
        assertEquals(second.getRevisionId(), got.getAttributesOrThrow("googclient_schemarevisionid"));
    }

    @Test
    void lastRevisionBoundsWhatIsAccepted() {
        var schema = SchemasTest.schema(Schema.Type.AVRO, AVRO);
        var second = SCHEMAS.commitSchema(
                schema.getName(), SchemasTest.definition(Schema.Type.AVRO, AVRO_WITH_DEFAULT));
        var topic = topic(t -> t.setSchemaSettings(SchemaSettings.newBuilder()
                        .setSchema(schema.getName())
                        .setEncoding(Encoding.JSON)
                        .setFirstRevisionId(schema.getRevisionId())
                        .setLastRevisionId(schema.getRevisionId())))
                .getName();
        var withEmail = ByteString.copyFromUtf8("{\"name\":\"bob\",\"age\":30,\"email\":\"b@c\"}");
        publish(topic, BOB_JSON);
        invalid("", () -> publish(topic, withEmail));
        var opened = TOPICS.getTopic(topic).toBuilder();
        opened.getSchemaSettingsBuilder().setLastRevisionId(second.getRevisionId());
        TOPICS.updateTopic(opened.build(), mask("schema_settings.last_revision_id"));
        publish(topic, withEmail);
    }

    @Test
    void settingsAreCheckedAndReadBack() {
        var schema = SchemasTest.schema(Schema.Type.AVRO, AVRO);
        var made = topicOf(schema, Encoding.JSON);
        assertEquals(schema.getName(), made.getSchemaSettings().getSchema());
        assertEquals(Encoding.JSON, made.getSchemaSettings().getEncoding());
        var missing = unique("missing");
        notFound(missing, () -> topic(t -> t.setSchemaSettings(
                SchemaSettings.newBuilder().setSchema(schemaName(missing)).setEncoding(Encoding.JSON))));
        invalid("", () -> topicOf(schema, Encoding.ENCODING_UNSPECIFIED));

        SCHEMAS.deleteSchema(schema.getName());
        assertEquals("_deleted-schema_", TOPICS.getTopic(made.getName()).getSchemaSettings().getSchema());
    }

    @Test
    void schemaCanBeAddedAndTakenAway() {
        var schema = SchemasTest.schema(Schema.Type.AVRO, AVRO);
        var plain = topic(t -> {});
        var subscription = subscription(plain.getName());
        publish(plain.getName(), WRONG);
        var with = plain.toBuilder()
                .setSchemaSettings(SchemaSettings.newBuilder().setSchema(schema.getName()).setEncoding(Encoding.JSON))
                .build();
        TOPICS.updateTopic(with, mask("schema_settings"));
        invalid("", () -> publish(plain.getName(), WRONG));
        TOPICS.updateTopic(plain, mask("schema_settings"));
        publish(plain.getName(), WRONG);
        assertEquals(List.of("{\"name\":7}", "{\"name\":7}"), take(subscription, 2));
    }
}

package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.api.gax.rpc.AlreadyExistsException;
import com.google.api.gax.rpc.ApiException;
import com.google.protobuf.ByteString;
import com.google.pubsub.v1.Encoding;
import com.google.pubsub.v1.GetSchemaRequest;
import com.google.pubsub.v1.ListSchemaRevisionsRequest;
import com.google.pubsub.v1.ListSchemasRequest;
import com.google.pubsub.v1.ProjectName;
import com.google.pubsub.v1.Schema;
import com.google.pubsub.v1.SchemaView;
import com.google.pubsub.v1.ValidateMessageRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

/** The schema service: definitions, revisions, validation. */
class SchemasTest extends PubSubTest {
    static final String AVRO =
            """
            {"type":"record","name":"Person","fields":[
              {"name":"name","type":"string"},{"name":"age","type":"int"}]}
            """;
    static final String AVRO_WITH_DEFAULT =
            """
            {"type":"record","name":"Person","fields":[
              {"name":"name","type":"string"},{"name":"age","type":"int"},
              {"name":"email","type":"string","default":""}]}
            """;
    static final String PROTO = "syntax = \"proto3\"; message Person { string name = 1; int32 age = 2; }";

    /** The person {bob, 30} in each encoding. */
    static final ByteString BOB_JSON = ByteString.copyFromUtf8("{\"name\":\"bob\",\"age\":30}");

    static final ByteString BOB_AVRO = ByteString.copyFrom(new byte[] {6, 'b', 'o', 'b', 60});
    static final ByteString BOB_PROTO = ByteString.copyFrom(new byte[] {10, 3, 'b', 'o', 'b', 16, 30});

    static Schema definition(Schema.Type type, String text) {
        return Schema.newBuilder().setType(type).setDefinition(text).build();
    }

    static Schema schema(Schema.Type type, String text) {
        return SCHEMAS.createSchema(ProjectName.of(PROJECT), definition(type, text), unique("sc"));
    }

    private static List<String> revisions(String schema) {
        var all = SCHEMAS.listSchemaRevisions(schema).iterateAll();
        return StreamSupport.stream(all.spliterator(), false).map(Schema::getRevisionId).toList();
    }

    @Test
    void whatIsCreatedReadsBack() {
        for (var type : List.of(Schema.Type.AVRO, Schema.Type.PROTOCOL_BUFFER)) {
            var text = type == Schema.Type.AVRO ? AVRO : PROTO;
            var made = schema(type, text);
            assertEquals(type, made.getType());
            assertEquals(text, made.getDefinition());
            assertTrue(made.getRevisionId().matches("[0-9a-f]{8}"), made.getRevisionId());
            assertTrue(made.hasRevisionCreateTime());
            assertEquals(made, SCHEMAS.getSchema(made.getName()), "GetSchema shows all by default");
            var basic = SCHEMAS.getSchema(
                    GetSchemaRequest.newBuilder().setName(made.getName()).setView(SchemaView.BASIC).build());
            assertEquals("", basic.getDefinition());
            assertEquals(type, basic.getType());
        }
    }

    @Test
    void nameTakenOrMissing() {
        var made = schema(Schema.Type.AVRO, AVRO);
        fails(
                AlreadyExistsException.class,
                "Resource already exists in the project (resource=" + leaf(made.getName()) + ").",
                () -> SCHEMAS.createSchema(PARENT, definition(Schema.Type.AVRO, AVRO), leaf(made.getName())));
        var missing = unique("missing");
        notFound(missing, () -> SCHEMAS.getSchema(schemaName(missing)));
        notFound(missing, () -> SCHEMAS.deleteSchema(schemaName(missing)));
        notFound(missing, () -> SCHEMAS.commitSchema(schemaName(missing), definition(Schema.Type.AVRO, AVRO)));
        notFound(missing, () -> SCHEMAS.listSchemaRevisions(schemaName(missing)));
        invalid("", () -> SCHEMAS.createSchema(PARENT, definition(Schema.Type.AVRO, AVRO), "1x"));
    }

    @Test
    void definitionsAreChecked() {
        for (var text : List.of("", "{", "{\"type\":\"nonsense\"}", PROTO)) {
            invalid("", () -> schema(Schema.Type.AVRO, text));
            invalid("", () -> SCHEMAS.validateSchema(PARENT, definition(Schema.Type.AVRO, text)));
        }
        for (var text : List.of("", "message {", "syntax = \"proto3\";", AVRO)) {
            invalid("", () -> schema(Schema.Type.PROTOCOL_BUFFER, text));
            invalid("", () -> SCHEMAS.validateSchema(PARENT, definition(Schema.Type.PROTOCOL_BUFFER, text)));
        }
        invalid("", () -> schema(Schema.Type.TYPE_UNSPECIFIED, AVRO));
        SCHEMAS.validateSchema(ProjectName.of(PROJECT), definition(Schema.Type.AVRO, AVRO));
        SCHEMAS.validateSchema(ProjectName.of(PROJECT), definition(Schema.Type.PROTOCOL_BUFFER, PROTO));
    }

    private static void validate(ValidateMessageRequest.Builder request, Encoding encoding, ByteString message) {
        SCHEMAS.validateMessage(request.clone()
                .setParent(PARENT)
                .setEncoding(encoding)
                .setMessage(message)
                .build());
    }

    @Test
    void messagesAreValidatedInBothEncodings() {
        var wrong = ByteString.copyFromUtf8("{\"name\":7}");
        var noise = ByteString.copyFrom(new byte[] {-1, -1, -1});
        for (var type : List.of(Schema.Type.AVRO, Schema.Type.PROTOCOL_BUFFER)) {
            var avro = type == Schema.Type.AVRO;
            var made = schema(type, avro ? AVRO : PROTO);
            for (var request : List.of(
                    ValidateMessageRequest.newBuilder().setName(made.getName()),
                    ValidateMessageRequest.newBuilder().setSchema(definition(type, avro ? AVRO : PROTO)))) {
                validate(request, Encoding.JSON, BOB_JSON);
                validate(request, Encoding.BINARY, avro ? BOB_AVRO : BOB_PROTO);
                invalid("", () -> validate(request, Encoding.JSON, wrong));
                invalid("", () -> validate(request, Encoding.BINARY, noise));
                invalid("", () -> validate(request, Encoding.ENCODING_UNSPECIFIED, BOB_JSON));
            }
        }
        var missing = unique("missing");
        notFound(missing, () -> validate(
                ValidateMessageRequest.newBuilder().setName(schemaName(missing)), Encoding.JSON, BOB_JSON));
    }

    @Test
    void revisionsAreCommittedRolledBackAndDeleted() {
        var first = schema(Schema.Type.AVRO, AVRO);
        var name = first.getName();
        var second = SCHEMAS.commitSchema(name, definition(Schema.Type.AVRO, AVRO_WITH_DEFAULT));
        assertNotEquals(first.getRevisionId(), second.getRevisionId());
        assertEquals(AVRO_WITH_DEFAULT, second.getDefinition());
        assertEquals(second.getRevisionId(), SCHEMAS.getSchema(name).getRevisionId(), "the newest is the schema");
        assertEquals(AVRO, SCHEMAS.getSchema(name + "@" + first.getRevisionId()).getDefinition());
        assertEquals(List.of(second.getRevisionId(), first.getRevisionId()), revisions(name), "newest first");

        var third = SCHEMAS.rollbackSchema(name, first.getRevisionId());
        assertEquals(AVRO, third.getDefinition());
        assertNotEquals(first.getRevisionId(), third.getRevisionId());
        assertEquals(3, revisions(name).size());

        SCHEMAS.deleteSchemaRevision(name + "@" + second.getRevisionId(), "");
        assertEquals(List.of(third.getRevisionId(), first.getRevisionId()), revisions(name));
        assertThrows(ApiException.class, () -> SCHEMAS.getSchema(name + "@" + second.getRevisionId()));
        assertThrows(ApiException.class, () -> SCHEMAS.rollbackSchema(name, second.getRevisionId()));
        SCHEMAS.deleteSchemaRevision(name + "@" + first.getRevisionId(), "");
        assertThrows(
                ApiException.class,
                () -> SCHEMAS.deleteSchemaRevision(name + "@" + third.getRevisionId(), ""),
                "the last revision stays");
        assertEquals(List.of(third.getRevisionId()), revisions(name));
    }

    @Test
    void commitKeepsTheType() {
        var made = schema(Schema.Type.AVRO, AVRO);
        invalid("", () -> SCHEMAS.commitSchema(made.getName(), definition(Schema.Type.PROTOCOL_BUFFER, PROTO)));
        invalid("", () -> SCHEMAS.commitSchema(made.getName(), definition(Schema.Type.AVRO, "{")));
        assertEquals(1, revisions(made.getName()).size());
    }

    @Test
    void listsComeByPages() {
        var project = unique("pages");
        var parent = "projects/" + project;
        var expected = IntStream.range(0, 5).mapToObj(i -> parent + "/schemas/schema-" + i).toList();
        expected.forEach(name -> SCHEMAS.createSchema(parent, definition(Schema.Type.AVRO, AVRO), leaf(name)));

        var request = ListSchemasRequest.newBuilder().setParent(parent).setPageSize(2).build();
        var names = new ArrayList<String>();
        for (var page : SCHEMAS.listSchemas(request).iteratePages()) {
            var schemas = page.getResponse().getSchemasList();
            assertTrue(schemas.size() <= 2, "a page of at most two");
            schemas.forEach(schema -> {
                names.add(schema.getName());
                assertEquals("", schema.getDefinition(), "a list is basic by default");
            });
        }
        assertEquals(expected, names.stream().sorted().toList());
        var full = request.toBuilder().setView(SchemaView.FULL).build();
        SCHEMAS.listSchemas(full).iterateAll().forEach(schema -> assertEquals(AVRO, schema.getDefinition()));

        var name = expected.get(0);
        IntStream.range(0, 4).forEach(i -> SCHEMAS.commitSchema(name, definition(Schema.Type.AVRO, AVRO)));
        var ofOne = ListSchemaRevisionsRequest.newBuilder().setName(name).setPageSize(2).build();
        var revisions = new ArrayList<String>();
        for (var page : SCHEMAS.listSchemaRevisions(ofOne).iteratePages()) {
            page.getValues().forEach(schema -> revisions.add(schema.getRevisionId()));
        }
        assertEquals(5, revisions.stream().distinct().count());
    }

    @Test
    void deletedSchemaIsGone() {
        var made = schema(Schema.Type.AVRO, AVRO);
        SCHEMAS.deleteSchema(made.getName());
        notFound(leaf(made.getName()), () -> SCHEMAS.getSchema(made.getName()));
        SCHEMAS.createSchema(PARENT, definition(Schema.Type.PROTOCOL_BUFFER, PROTO), leaf(made.getName()));
    }
}

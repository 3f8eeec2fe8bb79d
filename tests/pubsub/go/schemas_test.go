// Schemas: definitions, revisions, validation, and topics that hold their messages to them.
package pubsub_test

import (
	"regexp"
	"strings"
	"testing"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
)

const (
	avroPerson = `{"type":"record","name":"Person","fields":[{"name":"name","type":"string"},{"name":"age","type":"int"}]}`
	avroWider  = `{"type":"record","name":"Person","fields":[{"name":"name","type":"string"},{"name":"age","type":"int"},` +
		`{"name":"email","type":"string"}]}`
	protoPerson = `syntax = "proto3"; message Person { string name = 1; int32 age = 2; }`
	protoWider  = `syntax = "proto3"; message Person { string name = 1; int32 age = 2; string email = 3; }`
)

// Ada, 36 years old, in each encoding.
var (
	adaJSON   = []byte(`{"name":"Ada","age":36}`)
	adaAvro   = []byte("\x06Ada\x48")
	adaProto  = []byte("\x0a\x03Ada\x10\x24")
	revisions = regexp.MustCompile(`^[0-9a-f]{8}$`)
)

func makeSchema(t *testing.T, kind pb.Schema_Type, definition string) *pb.Schema {
	t.Helper()
	made, err := schemas.CreateSchema(ctx, &pb.CreateSchemaRequest{
		Parent: "projects/" + project, SchemaId: unique("schema"),
		Schema: &pb.Schema{Type: kind, Definition: definition},
	})
	succeeds(t, err)
	t.Cleanup(func() { schemas.DeleteSchema(ctx, &pb.DeleteSchemaRequest{Name: made.Name}) })
	return made
}

func commit(name, definition string, kind pb.Schema_Type) (*pb.Schema, error) {
	return schemas.CommitSchema(ctx, &pb.CommitSchemaRequest{
		Name: name, Schema: &pb.Schema{Name: name, Type: kind, Definition: definition},
	})
}

func TestSchemaReadsBack(t *testing.T) {
	t.Parallel()
	for kind, definition := range map[pb.Schema_Type]string{pb.Schema_AVRO: avroPerson, pb.Schema_PROTOCOL_BUFFER: protoPerson} {
		made := makeSchema(t, kind, definition)
		equal(t, made.Type, kind, "type")
		check(t, revisions.MatchString(made.RevisionId), "a revision id of eight hex digits: "+made.RevisionId)
		check(t, made.RevisionCreateTime.IsValid(), "a time")
		got, err := schemas.GetSchema(ctx, &pb.GetSchemaRequest{Name: made.Name})
		succeeds(t, err)
		equal(t, got.Definition, definition, "the full view is the default")
		equal(t, got.RevisionId, made.RevisionId, "revision")
		got, err = schemas.GetSchema(ctx, &pb.GetSchemaRequest{Name: made.Name, View: pb.SchemaView_BASIC})
		succeeds(t, err)
		equal(t, got.Definition, "", "no definition in the basic view")

		_, err = schemas.CreateSchema(ctx, &pb.CreateSchemaRequest{
			Parent: "projects/" + project, SchemaId: leaf(made.Name), Schema: &pb.Schema{Type: kind, Definition: definition},
		})
		alreadyExists(t, err, leaf(made.Name))
		succeeds(t, schemas.DeleteSchema(ctx, &pb.DeleteSchemaRequest{Name: made.Name}))
		_, err = schemas.GetSchema(ctx, &pb.GetSchemaRequest{Name: made.Name})
		notFound(t, err, leaf(made.Name))
		notFound(t, schemas.DeleteSchema(ctx, &pb.DeleteSchemaRequest{Name: made.Name}), leaf(made.Name))
	}
}

func TestListSchemas(t *testing.T) {
	t.Parallel()
	own := "projects/" + unique("list")
	var want []string
	for _, id := range []string{"schema-1", "schema-2", "schema-3"} {
		made, err := schemas.CreateSchema(ctx, &pb.CreateSchemaRequest{
			Parent: own, SchemaId: id, Schema: &pb.Schema{Type: pb.Schema_AVRO, Definition: avroPerson},
		})
		succeeds(t, err)
		want = append(want, made.Name)
		t.Cleanup(func() { schemas.DeleteSchema(ctx, &pb.DeleteSchemaRequest{Name: made.Name}) })
	}
	name := func(s *pb.Schema) string { return s.Name }
	got := all(t, schemas.ListSchemas(ctx, &pb.ListSchemasRequest{Parent: own}))
	equal(t, sorted(each(got, name)), want, "all at once")
	equal(t, got[0].Definition, "", "the basic view is the default")
	got = all(t, schemas.ListSchemas(ctx, &pb.ListSchemasRequest{Parent: own, View: pb.SchemaView_FULL}))
	equal(t, got[0].Definition, avroPerson, "full view")
	got = pages[*pb.Schema](t, schemas.ListSchemas(ctx, &pb.ListSchemasRequest{Parent: own}), 2)
	equal(t, sorted(each(got, name)), want, "by pages")
}

func TestSchemaRevisions(t *testing.T) {
	t.Parallel()
	first := makeSchema(t, pb.Schema_AVRO, avroPerson)
	second, err := commit(first.Name, avroWider, pb.Schema_AVRO)
	succeeds(t, err)
	check(t, second.RevisionId != first.RevisionId, "another revision")
	latest := func() *pb.Schema {
		t.Helper()
		got, err := schemas.GetSchema(ctx, &pb.GetSchemaRequest{Name: first.Name})
		succeeds(t, err)
		return got
	}
	equal(t, latest().Definition, avroWider, "the newest")
	old, err := schemas.GetSchema(ctx, &pb.GetSchemaRequest{Name: first.Name + "@" + first.RevisionId})
	succeeds(t, err)
	equal(t, old.Definition, avroPerson, "the first by its revision")

	list := func() []string {
		t.Helper()
		got := all(t, schemas.ListSchemaRevisions(ctx, &pb.ListSchemaRevisionsRequest{Name: first.Name}))
		return each(got, (*pb.Schema).GetRevisionId)
	}
	equal(t, sorted(list()), sorted([]string{first.RevisionId, second.RevisionId}), "revisions")

	third, err := schemas.RollbackSchema(ctx, &pb.RollbackSchemaRequest{Name: first.Name, RevisionId: first.RevisionId})
	succeeds(t, err)
	check(t, third.RevisionId != first.RevisionId, "a rollback is a new revision")
	equal(t, latest().Definition, avroPerson, "rolled back")
	equal(t, len(list()), 3, "number of revisions")

	_, err = schemas.DeleteSchemaRevision(ctx, &pb.DeleteSchemaRevisionRequest{Name: first.Name + "@" + second.RevisionId})
	succeeds(t, err)
	equal(t, sorted(list()), sorted([]string{first.RevisionId, third.RevisionId}), "one is gone")
	_, err = schemas.GetSchema(ctx, &pb.GetSchemaRequest{Name: first.Name + "@" + second.RevisionId})
	raises(t, err, codes.NotFound)
	_, err = schemas.RollbackSchema(ctx, &pb.RollbackSchemaRequest{Name: first.Name, RevisionId: second.RevisionId})
	raises(t, err, codes.NotFound)

	_, err = commit(first.Name, protoPerson, pb.Schema_PROTOCOL_BUFFER)
	invalid(t, err)
	_, err = commit(first.Name, `{"type":"nonsense"}`, pb.Schema_AVRO)
	invalid(t, err)
	missing := unique("schema")
	_, err = commit(schemaName(missing), avroPerson, pb.Schema_AVRO)
	notFound(t, err, missing)
}

func TestOnlyRevisionCannotBeDeleted(t *testing.T) {
	t.Parallel()
	only := makeSchema(t, pb.Schema_PROTOCOL_BUFFER, protoPerson)
	_, err := schemas.DeleteSchemaRevision(ctx, &pb.DeleteSchemaRevisionRequest{Name: only.Name + "@" + only.RevisionId})
	check(t, err != nil, "the only revision is kept")
	_, err = schemas.GetSchema(ctx, &pb.GetSchemaRequest{Name: only.Name})
	succeeds(t, err)
}

func TestValidateSchema(t *testing.T) {
	t.Parallel()
	validate := func(kind pb.Schema_Type, definition string) error {
		_, err := schemas.ValidateSchema(ctx, &pb.ValidateSchemaRequest{
			Parent: "projects/" + project, Schema: &pb.Schema{Type: kind, Definition: definition},
		})
		return err
	}
	succeeds(t, validate(pb.Schema_AVRO, avroWider))
	succeeds(t, validate(pb.Schema_PROTOCOL_BUFFER, protoWider))
	for _, bad := range []struct {
		kind       pb.Schema_Type
		definition string
	}{
		{pb.Schema_AVRO, ""},
		{pb.Schema_AVRO, protoPerson},
		{pb.Schema_AVRO, `{"type":"record","name":"X","fields":[{"name":"y","type":"unknown"}]}`},
		{pb.Schema_PROTOCOL_BUFFER, avroPerson},
		{pb.Schema_PROTOCOL_BUFFER, `syntax = "proto3"; message X { missing.Type y = 1; }`},
		{pb.Schema_PROTOCOL_BUFFER, `syntax = "proto3"; message X {} message Y {}`},
		{pb.Schema_AVRO, `"` + strings.Repeat("x", 300*1024) + `"`},
	} {
		invalid(t, validate(bad.kind, bad.definition))
		_, err := schemas.CreateSchema(ctx, &pb.CreateSchemaRequest{
			Parent: "projects/" + project, SchemaId: unique("schema"),
			Schema: &pb.Schema{Type: bad.kind, Definition: bad.definition},
		})
		invalid(t, err)
	}
	_, err := schemas.CreateSchema(ctx, &pb.CreateSchemaRequest{
		Parent: "projects/" + project, SchemaId: "1x", Schema: &pb.Schema{Type: pb.Schema_AVRO, Definition: avroPerson},
	})
	invalid(t, err, "Invalid resource name given (name="+schemaName("1x")+").")
}

// encodings are the schemas and encodings with a message that fits and one that does not.
var encodings = []struct {
	name       string
	kind       pb.Schema_Type
	definition string
	encoding   pb.Encoding
	good, bad  []byte
}{
	{"Avro JSON", pb.Schema_AVRO, avroPerson, pb.Encoding_JSON, adaJSON, []byte(`{"name":"Ada"}`)},
	{"Avro binary", pb.Schema_AVRO, avroPerson, pb.Encoding_BINARY, adaAvro, []byte("\x7fAda")},
	{"protobuf JSON", pb.Schema_PROTOCOL_BUFFER, protoPerson, pb.Encoding_JSON, adaJSON, []byte(`{"name":3}`)},
	{"protobuf binary", pb.Schema_PROTOCOL_BUFFER, protoPerson, pb.Encoding_BINARY, adaProto, []byte("\x0a\x7fAda")},
}

func TestValidateMessage(t *testing.T) {
	t.Parallel()
	for _, e := range encodings {
		t.Run(e.name, func(t *testing.T) {
			stored := makeSchema(t, e.kind, e.definition)
			validate := func(message []byte, request *pb.ValidateMessageRequest) error {
				request.Parent, request.Message, request.Encoding = "projects/"+project, message, e.encoding
				_, err := schemas.ValidateMessage(ctx, request)
				return err
			}
			named := func() *pb.ValidateMessageRequest {
				return &pb.ValidateMessageRequest{SchemaSpec: &pb.ValidateMessageRequest_Name{Name: stored.Name}}
			}
			inline := func() *pb.ValidateMessageRequest {
				return &pb.ValidateMessageRequest{SchemaSpec: &pb.ValidateMessageRequest_Schema{
					Schema: &pb.Schema{Type: e.kind, Definition: e.definition},
				}}
			}
			succeeds(t, validate(e.good, named()))
			succeeds(t, validate(e.good, inline()))
			invalid(t, validate(e.bad, named()))
			invalid(t, validate(e.bad, inline()))
		})
	}
	_, err := schemas.ValidateMessage(ctx, &pb.ValidateMessageRequest{
		Parent: "projects/" + project, Message: adaJSON, Encoding: pb.Encoding_JSON,
		SchemaSpec: &pb.ValidateMessageRequest_Name{Name: schemaName("absent-schema")},
	})
	notFound(t, err, "absent-schema")
}

func TestTopicHoldsMessagesToItsSchema(t *testing.T) {
	t.Parallel()
	for _, e := range encodings {
		t.Run(e.name, func(t *testing.T) {
			schema := makeSchema(t, e.kind, e.definition)
			tp := newTopic(t, func(request *pb.Topic) {
				request.SchemaSettings = &pb.SchemaSettings{Schema: schema.Name, Encoding: e.encoding}
			})
			s := tp.subscribe()
			_, err := tp.tryPublish(&pb.PubsubMessage{Data: e.bad})
			invalid(t, err)
			tp.publishMessages(&pb.PubsubMessage{Data: e.good, Attributes: map[string]string{"own": "1"}})
			got := s.pullOne().Message
			equal(t, got.Data, e.good, "data")
			equal(t, got.Attributes, map[string]string{
				"own":                         "1",
				"googclient_schemaname":       schema.Name,
				"googclient_schemaencoding":   e.encoding.String(),
				"googclient_schemarevisionid": schema.RevisionId,
			}, "attributes")
			s.isEmpty("the bad message was never published")
		})
	}
}

func TestTopicTakesTheRevisionsItNames(t *testing.T) {
	t.Parallel()
	first := makeSchema(t, pb.Schema_AVRO, avroPerson)
	second, err := commit(first.Name, avroWider, pb.Schema_AVRO)
	succeeds(t, err)
	wide := []byte(`{"name":"Ada","age":36,"email":"ada@example.com"}`)
	settings := func(firstID, lastID string) topicOption {
		return func(request *pb.Topic) {
			request.SchemaSettings = &pb.SchemaSettings{
				Schema: first.Name, Encoding: pb.Encoding_JSON, FirstRevisionId: firstID, LastRevisionId: lastID,
			}
		}
	}
	both := newTopic(t, settings(first.RevisionId, second.RevisionId))
	s := both.subscribe()
	both.publishMessages(&pb.PubsubMessage{Data: wide})
	equal(t, s.pullOne().Message.Attributes["googclient_schemarevisionid"], second.RevisionId, "revision of the wide one")
	onlyFirst := newTopic(t, settings("", first.RevisionId))
	onlyFirst.publishMessages(&pb.PubsubMessage{Data: adaJSON})
	_, err = onlyFirst.tryPublish(&pb.PubsubMessage{Data: wide})
	invalid(t, err)
}

func TestDeletedSchemaOfATopic(t *testing.T) {
	t.Parallel()
	schema := makeSchema(t, pb.Schema_AVRO, avroPerson)
	tp := newTopic(t, func(request *pb.Topic) {
		request.SchemaSettings = &pb.SchemaSettings{Schema: schema.Name, Encoding: pb.Encoding_JSON}
	})
	succeeds(t, schemas.DeleteSchema(ctx, &pb.DeleteSchemaRequest{Name: schema.Name}))
	got, err := getTopic(tp.name)
	succeeds(t, err)
	equal(t, got.SchemaSettings.Schema, "_deleted-schema_", "the topic says so")
}

// Access policies, which are kept but not enforced.
package pubsub_test

import (
	"context"
	"testing"

	"cloud.google.com/go/iam/apiv1/iampb"
	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/grpc/codes"
)

// policies is what each of the three clients offers for policies.
type policies interface {
	GetIamPolicy(context.Context, *iampb.GetIamPolicyRequest, ...gax.CallOption) (*iampb.Policy, error)
	SetIamPolicy(context.Context, *iampb.SetIamPolicyRequest, ...gax.CallOption) (*iampb.Policy, error)
	TestIamPermissions(context.Context, *iampb.TestIamPermissionsRequest, ...gax.CallOption) (*iampb.TestIamPermissionsResponse, error)
}

func TestPoliciesOfEveryKindOfResource(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	resources := map[string]policies{
		tp.name:           topics,
		s.name:            subs,
		s.snapshot().Name: subs,
		makeSchema(t, pb.Schema_AVRO, avroPerson).Name: schemas,
	}
	for resource, by := range resources {
		t.Run(resource, func(t *testing.T) {
			get := func() *iampb.Policy {
				t.Helper()
				got, err := by.GetIamPolicy(ctx, &iampb.GetIamPolicyRequest{Resource: resource})
				succeeds(t, err)
				return got
			}
			equal(t, len(get().Bindings), 0, "bindings at first")
			want := []*iampb.Binding{
				{Role: "roles/pubsub.viewer", Members: []string{"user:ada@example.com", "allUsers"}},
				{Role: "roles/pubsub.editor", Members: []string{"group:staff@example.com"}},
			}
			set, err := by.SetIamPolicy(ctx, &iampb.SetIamPolicyRequest{
				Resource: resource, Policy: &iampb.Policy{Bindings: want},
			})
			succeeds(t, err)
			got := get()
			equal(t, len(got.Bindings), 2, "bindings")
			for i, binding := range got.Bindings {
				equalProto(t, binding, want[i], "binding read back")
				equalProto(t, set.Bindings[i], want[i], "binding answered")
			}
			check(t, len(got.Etag) > 0, "an etag")
			permissions := []string{"pubsub.topics.publish", "pubsub.subscriptions.consume"}
			tested, err := by.TestIamPermissions(ctx, &iampb.TestIamPermissionsRequest{
				Resource: resource, Permissions: permissions,
			})
			succeeds(t, err)
			equal(t, sorted(tested.Permissions), sorted(permissions), "everything is allowed")
		})
	}
}

func TestPolicyOfNothing(t *testing.T) {
	t.Parallel()
	missing := topicName(unique("topic"))
	_, err := topics.GetIamPolicy(ctx, &iampb.GetIamPolicyRequest{Resource: missing})
	raises(t, err, codes.NotFound)
	_, err = topics.SetIamPolicy(ctx, &iampb.SetIamPolicyRequest{Resource: missing, Policy: &iampb.Policy{}})
	raises(t, err, codes.NotFound)
}

func TestPolicyGoesWithItsResource(t *testing.T) {
	t.Parallel()
	tp := newTopic(t)
	_, err := topics.SetIamPolicy(ctx, &iampb.SetIamPolicyRequest{Resource: tp.name, Policy: &iampb.Policy{
		Bindings: []*iampb.Binding{{Role: "roles/owner", Members: []string{"allUsers"}}},
	}})
	succeeds(t, err)
	succeeds(t, topics.DeleteTopic(ctx, &pb.DeleteTopicRequest{Topic: tp.name}))
	_, err = topics.CreateTopic(ctx, &pb.Topic{Name: tp.name})
	succeeds(t, err)
	got, err := topics.GetIamPolicy(ctx, &iampb.GetIamPolicyRequest{Resource: tp.name})
	succeeds(t, err)
	equal(t, len(got.Bindings), 0, "bindings of a topic of the same name")
}

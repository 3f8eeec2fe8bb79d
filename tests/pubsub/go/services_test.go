// The gRPC services beside Pub/Sub's own: health and reflection.
package pubsub_test

import (
	"testing"

	"google.golang.org/grpc/health/grpc_health_v1"
	reflection "google.golang.org/grpc/reflection/grpc_reflection_v1"
)

func TestHealthService(t *testing.T) {
	t.Parallel()
	health := grpc_health_v1.NewHealthClient(topics.Connection())
	for _, service := range []string{"", "google.pubsub.v1.Publisher"} {
		got, err := health.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
		succeeds(t, err)
		equal(t, got.Status, grpc_health_v1.HealthCheckResponse_SERVING, "status of "+service)
	}
}

func TestReflectionService(t *testing.T) {
	t.Parallel()
	call, err := reflection.NewServerReflectionClient(topics.Connection()).ServerReflectionInfo(ctx)
	succeeds(t, err)
	succeeds(t, call.Send(&reflection.ServerReflectionRequest{
		MessageRequest: &reflection.ServerReflectionRequest_ListServices{ListServices: "*"},
	}))
	answer, err := call.Recv()
	succeeds(t, err)
	succeeds(t, call.CloseSend())
	names := map[string]bool{}
	for _, service := range answer.GetListServicesResponse().GetService() {
		names[service.Name] = true
	}
	for _, want := range []string{
		"google.pubsub.v1.Publisher", "google.pubsub.v1.Subscriber", "google.pubsub.v1.SchemaService",
		"google.iam.v1.IAMPolicy", "grpc.health.v1.Health",
	} {
		check(t, names[want], "not listed: "+want)
	}
}

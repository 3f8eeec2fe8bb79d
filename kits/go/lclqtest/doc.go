// Package lclqtest starts a local AWS SQS and Google Cloud Pub/Sub for tests.
//
//	func TestOrders(t *testing.T) {
//		t.Parallel()
//		sandbox := lclqtest.NewSandbox(t)
//		// An SQS client at sandbox.Endpoint() with the access key sandbox.Account,
//		// a Pub/Sub client at sandbox.PubSub() for the project sandbox.Project.
//	}
//
// The server's binary is what LCLQ_BIN names, else one that a module carries (import
// _ "github.com/lclq/lclq/kits/go/binary"), else lclq on PATH.
package lclqtest

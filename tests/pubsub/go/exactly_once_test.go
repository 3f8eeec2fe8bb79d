// Exactly-once delivery.
package pubsub_test

import (
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2"
	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/googleapis/gax-go/v2/apierror"
)

const invalidAckID = "PERMANENT_FAILURE_INVALID_ACK_ID"

// failures are the ack ids that an error names, with the reason of each.
func failures(t *testing.T, err error) map[string]string {
	t.Helper()
	invalid(t, err)
	failure, ok := apierror.FromError(err)
	check(t, ok, "not an API error")
	return failure.Metadata()
}

func TestAckWithResult(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, exactlyOnce)
	tp.publish("once")
	r := s.receive()
	m := r.next()
	status, err := m.AckWithResult().Get(ctx)
	succeeds(t, err)
	equal(t, status, pubsub.AcknowledgeStatusSuccess, "status")
	r.end()
	s.isEmpty("acked for good")
}

func TestNackWithResult(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, exactlyOnce)
	tp.publish("again")
	r := s.receive()
	first := r.next()
	status, err := first.NackWithResult().Get(ctx)
	succeeds(t, err)
	equal(t, status, pubsub.AcknowledgeStatusSuccess, "status of the nack")
	second := r.next()
	equal(t, second.ID, first.ID, "the same message")
	status, err = second.AckWithResult().Get(ctx)
	succeeds(t, err)
	equal(t, status, pubsub.AcknowledgeStatusSuccess, "status of the ack")
	r.end()
}

func TestAckWithResultTooLate(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, exactlyOnce)
	tp.publish("taken away")
	r := s.receive(func(settings *pubsub.ReceiveSettings) {
		settings.MaxExtension = -1
		settings.MinDurationPerAckExtension = 10 * time.Second
		settings.MaxDurationPerAckExtension = 10 * time.Second
	})
	first := r.next()
	second := r.next()
	equal(t, second.ID, first.ID, "its lease ended, and it came again")
	status, err := first.AckWithResult().Get(ctx)
	check(t, err != nil, "acking the first delivery fails")
	equal(t, status, pubsub.AcknowledgeStatusInvalidAckID, "status")
	equal(t, err.Error(), invalidAckID, "error")
	status, err = second.AckWithResult().Get(ctx)
	succeeds(t, err)
	equal(t, status, pubsub.AcknowledgeStatusSuccess, "status of the second delivery")
}

// Edge case 9.
func TestOnlyTheNewestAckIDCounts(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, exactlyOnce)
	tp.publish("a", "b")
	old := s.pullExactly(2)
	s.nack(old...)
	fresh := s.pullExactly(2)

	err := s.tryAck(old[0].AckId, fresh[0].AckId)
	equal(t, failures(t, err), map[string]string{old[0].AckId: invalidAckID}, "failures of an ack")
	err = s.tryModify(20, old[1].AckId, fresh[1].AckId)
	equal(t, failures(t, err), map[string]string{old[1].AckId: invalidAckID}, "failures of a lease change")

	err = s.tryModify(0, fresh[0].AckId)
	equal(t, failures(t, err), map[string]string{fresh[0].AckId: invalidAckID}, "the good id of the first request was acked")
	s.ack(fresh[1])
	s.isEmpty("both acked")
}

func TestNoRedeliveryBeforeTheLeaseEnds(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, exactlyOnce)
	tp.publish("leased")
	first := s.pullOne()
	s.modify(3, first)
	began := time.Now()
	second := s.pullOne()
	check(t, time.Since(began) > 2*time.Second, "not before the lease ended")
	err := s.tryAck(first.AckId)
	equal(t, failures(t, err), map[string]string{first.AckId: invalidAckID}, "failures")
	s.ack(second)
	s.isEmpty("acked")
}

func TestConfirmationsOnTheStream(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, exactlyOnce)
	st := s.stream()
	tp.publish("acked", "extended")
	var got []*pb.ReceivedMessage
	for len(got) < 2 {
		response := st.next()
		check(t, response.SubscriptionProperties.ExactlyOnceDeliveryEnabled, "the stream says exactly-once")
		got = append(got, response.ReceivedMessages...)
	}
	st.send(&pb.StreamingPullRequest{
		AckIds:                []string{got[0].AckId},
		ModifyDeadlineAckIds:  []string{got[1].AckId},
		ModifyDeadlineSeconds: []int32{30},
	})
	var acked, extended []string
	for len(acked) == 0 || len(extended) == 0 {
		response := st.next()
		acked = append(acked, response.AcknowledgeConfirmation.GetAckIds()...)
		extended = append(extended, response.ModifyAckDeadlineConfirmation.GetAckIds()...)
	}
	equal(t, acked, []string{got[0].AckId}, "confirmed acks")
	equal(t, extended, []string{got[1].AckId}, "confirmed lease changes")

	st.send(&pb.StreamingPullRequest{ModifyDeadlineAckIds: []string{got[0].AckId}, ModifyDeadlineSeconds: []int32{30}})
	for {
		confirmation := st.next().ModifyAckDeadlineConfirmation
		if confirmation == nil {
			continue
		}
		equal(t, confirmation.InvalidAckIds, []string{got[0].AckId}, "an id that is no longer valid")
		break
	}
}

func TestExactlyOnceWithOrder(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, exactlyOnce, ordered)
	tp.publishKeyed("k", numbered(10)...)
	r := s.receive()
	for _, want := range numbered(10) {
		m := r.next()
		equal(t, string(m.Data), want, "order")
		status, err := m.AckWithResult().Get(ctx)
		succeeds(t, err)
		equal(t, status, pubsub.AcknowledgeStatusSuccess, "status")
	}
	r.end()
	s.isEmpty("all acked")
}

func TestWithoutExactlyOnceEveryAckSucceeds(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	tp.publish("plain")
	r := s.receive()
	m := r.next()
	s.seekTime(time.Now().Add(time.Hour))
	status, err := m.AckWithResult().Get(ctx)
	succeeds(t, err)
	equal(t, status, pubsub.AcknowledgeStatusSuccess, "status")
}

// Snapshots, and seeking to them and to a time.
package pubsub_test

import (
	"fmt"
	"testing"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func retaining(s *pb.Subscription) { s.RetainAckedMessages = true }

// snapshot makes a snapshot that is deleted when the test ends.
func (s *subscription) snapshot() *pb.Snapshot {
	s.t.Helper()
	made, err := subs.CreateSnapshot(ctx, &pb.CreateSnapshotRequest{
		Name: snapshotName(unique("snap")), Subscription: s.name, Labels: map[string]string{"a": "b"},
	})
	succeeds(s.t, err)
	s.t.Cleanup(func() { subs.DeleteSnapshot(ctx, &pb.DeleteSnapshotRequest{Snapshot: made.Name}) })
	return made
}

func seekToTime(at time.Time) *pb.SeekRequest_Time {
	return &pb.SeekRequest_Time{Time: timestamppb.New(at)}
}

func (s *subscription) trySeek(snapshot string) error {
	_, err := subs.Seek(ctx, &pb.SeekRequest{Subscription: s.name, Target: &pb.SeekRequest_Snapshot{Snapshot: snapshot}})
	return err
}

func (s *subscription) seek(snapshot *pb.Snapshot) {
	s.t.Helper()
	succeeds(s.t, s.trySeek(snapshot.Name))
}

func TestSnapshotReadsBack(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	made := s.snapshot()
	equal(t, made.Topic, tp.name, "topic")
	equal(t, made.Labels, map[string]string{"a": "b"}, "labels")
	left := time.Until(made.ExpireTime.AsTime())
	check(t, left > 7*24*time.Hour-time.Hour && left <= 7*24*time.Hour+time.Minute, "expires in seven days: "+left.String())
	got, err := subs.GetSnapshot(ctx, &pb.GetSnapshotRequest{Snapshot: made.Name})
	succeeds(t, err)
	equalProto(t, got, made, "read back")

	later := timestamppb.New(time.Now().Add(3 * 24 * time.Hour).Truncate(time.Second))
	got, err = subs.UpdateSnapshot(ctx, &pb.UpdateSnapshotRequest{
		Snapshot:   &pb.Snapshot{Name: made.Name, Labels: map[string]string{"c": "d"}, ExpireTime: later},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"labels", "expire_time"}},
	})
	succeeds(t, err)
	equal(t, got.Labels, map[string]string{"c": "d"}, "labels changed")
	equal(t, got.ExpireTime.AsTime(), later.AsTime(), "expire time changed")
	_, err = subs.UpdateSnapshot(ctx, &pb.UpdateSnapshotRequest{Snapshot: &pb.Snapshot{Name: made.Name}})
	invalid(t, err, "The update_mask in the UpdateSnapshotRequest must be set")

	_, err = subs.CreateSnapshot(ctx, &pb.CreateSnapshotRequest{Name: made.Name, Subscription: s.name})
	alreadyExists(t, err, leaf(made.Name))
	remove := &pb.DeleteSnapshotRequest{Snapshot: made.Name}
	succeeds(t, subs.DeleteSnapshot(ctx, remove))
	notFound(t, subs.DeleteSnapshot(ctx, remove), leaf(made.Name))
	_, err = subs.GetSnapshot(ctx, &pb.GetSnapshotRequest{Snapshot: made.Name})
	notFound(t, err, leaf(made.Name))
	notFound(t, s.trySeek(made.Name), leaf(made.Name))
}

func TestSnapshotRefusals(t *testing.T) {
	t.Parallel()
	_, s := newSub(t)
	missing := unique("sub")
	_, err := subs.CreateSnapshot(ctx, &pb.CreateSnapshotRequest{Name: snapshotName("snap"), Subscription: subName(missing)})
	notFound(t, err, missing)
	_, err = subs.CreateSnapshot(ctx, &pb.CreateSnapshotRequest{Name: snapshotName("1x"), Subscription: s.name})
	invalid(t, err, "Invalid resource name given (name="+snapshotName("1x")+").")
	_, other := newSub(t)
	foreign := other.snapshot()
	err = s.trySeek(foreign.Name)
	check(t, err != nil, "a snapshot of another topic")
	_, err = subs.Seek(ctx, &pb.SeekRequest{Subscription: subName(missing), Target: seekToTime(time.Now())})
	notFound(t, err, missing)
	_, err = subs.Seek(ctx, &pb.SeekRequest{Subscription: s.name})
	invalid(t, err)
}

func TestListSnapshots(t *testing.T) {
	t.Parallel()
	own := "projects/" + unique("list")
	_, err := topics.CreateTopic(ctx, &pb.Topic{Name: own + "/topics/topic"})
	succeeds(t, err)
	s := &subscription{t, own + "/subscriptions/sub"}
	_, err = subs.CreateSubscription(ctx, &pb.Subscription{Name: s.name, Topic: own + "/topics/topic"})
	succeeds(t, err)
	var want []string
	for i := range 5 {
		name := fmt.Sprintf("%s/snapshots/snap-%d", own, i)
		_, err = subs.CreateSnapshot(ctx, &pb.CreateSnapshotRequest{Name: name, Subscription: s.name})
		succeeds(t, err)
		want = append(want, name)
	}
	list := &pb.ListSnapshotsRequest{Project: own}
	name := func(s *pb.Snapshot) string { return s.Name }
	equal(t, sorted(each(all(t, subs.ListSnapshots(ctx, list)), name)), want, "all at once")
	list = &pb.ListSnapshotsRequest{Project: own}
	equal(t, sorted(each(pages[*pb.Snapshot](t, subs.ListSnapshots(ctx, list), 2), name)), want, "by pages")
}

// Edge case 20.
func TestSeekToASnapshot(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	tp.publish("acked before", "open", "open, acked later")
	byBody := map[string]*pb.ReceivedMessage{}
	for _, m := range s.pullExactly(3) {
		byBody[body(m)] = m
	}
	s.ack(byBody["acked before"])
	snapshot := s.snapshot()
	s.ack(byBody["open, acked later"])
	tp.publish("after")
	s.ack(s.pullOne())

	s.seek(snapshot)
	want := []string{"after", "open", "open, acked later"}
	equal(t, sorted(bodies(s.pullExactly(3))), want, "what was open then, and what came after")
	s.isEmpty("nothing else")

	// Another subscription of the topic can take the same state.
	other := tp.subscribe()
	other.seek(snapshot)
	got := other.pullExactly(3)
	equal(t, sorted(bodies(got)), want, "on another subscription")
	other.ack(got...)
	s.seek(snapshot)
	equal(t, sorted(bodies(s.pullExactly(3))), want, "a second time")
}

// Edge case 19.
func TestSeekToATime(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, retaining)
	forgetful := tp.subscribe()
	tp.publish("old")
	time.Sleep(20 * time.Millisecond)
	middle := time.Now()
	time.Sleep(20 * time.Millisecond)
	tp.publish("new")
	s.ack(s.pullExactly(2)...)
	forgetful.ack(forgetful.pullExactly(2)...)

	s.seekTime(middle)
	equal(t, bodies(s.pullExactly(1)), []string{"new"}, "only what came later")
	s.isEmpty("nothing else")
	s.seekTime(middle.Add(-time.Hour))
	equal(t, sorted(bodies(s.pullExactly(2))), []string{"new", "old"}, "all of it")
	s.seekTime(time.Now().Add(time.Hour))
	s.isEmpty("a seek to the future purges")
	tp.publish("after the purge")
	equal(t, bodies(s.pullExactly(1)), []string{"after the purge"}, "later messages come")

	forgetful.ack(forgetful.pullExactly(1)...)
	forgetful.seekTime(middle.Add(-time.Hour))
	forgetful.isEmpty("without retention, what is acked is gone")
}

func TestTopicRetentionRevives(t *testing.T) {
	t.Parallel()
	tp := newTopic(t, func(request *pb.Topic) { request.MessageRetentionDuration = durationpb.New(time.Hour) })
	tp.publish("before anyone subscribed")
	s := tp.subscribe()
	s.isEmpty("edge case 4")
	tp.publish("after")
	s.ack(s.pullOne())
	s.seekTime(time.Now().Add(-30 * time.Minute))
	equal(t, sorted(bodies(s.pullExactly(2))), []string{"after", "before anyone subscribed"}, "the topic kept both")
}

func TestSeekWakesAStream(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, retaining)
	r := s.receive()
	began := time.Now()
	tp.publish("replayed")
	r.take(1)
	time.Sleep(500 * time.Millisecond) // The library sends its acks a little later.
	s.seekTime(began.Add(-time.Second))
	equal(t, r.take(1), []string{"replayed"}, "again")
	r.end()
}

func TestSeekOfADetachedSubscription(t *testing.T) {
	t.Parallel()
	_, s := newSub(t)
	_, err := topics.DetachSubscription(ctx, &pb.DetachSubscriptionRequest{Subscription: s.name})
	succeeds(t, err)
	_, err = subs.Seek(ctx, &pb.SeekRequest{Subscription: s.name, Target: seekToTime(time.Now())})
	raises(t, err, codes.FailedPrecondition)
}

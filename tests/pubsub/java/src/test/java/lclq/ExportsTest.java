package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.api.gax.rpc.FailedPreconditionException;
import com.google.pubsub.v1.BigQueryConfig;
import com.google.pubsub.v1.CloudStorageConfig;
import com.google.pubsub.v1.IngestionDataSourceSettings;
import com.google.pubsub.v1.PushConfig;
import org.junit.jupiter.api.Test;

/** Configurations of BigQuery and Cloud Storage subscriptions, and of topics that ingest. */
class ExportsTest extends PubSubTest {
    @Test
    void bigQueryConfigReadsBack() {
        var made = subscription(topic(), s -> s.setBigqueryConfig(
                BigQueryConfig.newBuilder().setTable("project.dataset.table").setWriteMetadata(true)));
        assertEquals("project.dataset.table", made.getBigqueryConfig().getTable());
        assertTrue(made.getBigqueryConfig().getWriteMetadata());
        assertEquals(BigQueryConfig.State.ACTIVE, made.getBigqueryConfig().getState());
        assertEquals(made, get(made.getName()));
        fails(FailedPreconditionException.class, "", () -> pullNow(made.getName(), 1));
        invalid("", () -> subscription(topic(), s -> s.setBigqueryConfig(BigQueryConfig.newBuilder().setTable("nonsense"))));
    }

    @Test
    void cloudStorageConfigReadsBack() {
        var made = subscription(topic(), s -> s.setCloudStorageConfig(CloudStorageConfig.newBuilder()
                .setBucket("my-bucket")
                .setFilenamePrefix("log_")
                .setFilenameSuffix(".txt")
                .setMaxDuration(seconds(60))
                .setTextConfig(CloudStorageConfig.TextConfig.getDefaultInstance())));
        assertEquals("my-bucket", made.getCloudStorageConfig().getBucket());
        assertEquals("log_", made.getCloudStorageConfig().getFilenamePrefix());
        assertEquals(seconds(60), made.getCloudStorageConfig().getMaxDuration());
        assertTrue(made.getCloudStorageConfig().hasTextConfig());
        assertEquals(made, get(made.getName()));
    }

    @Test
    void oneWayOfDeliveryOnly() {
        invalid("", () -> subscription(topic(), s -> s
                .setBigqueryConfig(BigQueryConfig.newBuilder().setTable("project.dataset.table"))
                .setPushConfig(PushConfig.newBuilder().setPushEndpoint("http://127.0.0.1:9/"))));
    }

    @Test
    void ingestionSettingsReadBack() {
        var settings = IngestionDataSourceSettings.newBuilder()
                .setAwsKinesis(IngestionDataSourceSettings.AwsKinesis.newBuilder()
                        .setStreamArn("arn:aws:kinesis:us-east-1:111111111111:stream/s")
                        .setConsumerArn("arn:aws:kinesis:us-east-1:111111111111:stream/s/consumer/c:1")
                        .setAwsRoleArn("arn:aws:iam::111111111111:role/r")
                        .setGcpServiceAccount("a@b.iam.gserviceaccount.com"))
                .build();
        var made = topic(t -> t.setIngestionDataSourceSettings(settings));
        var kinesis = made.getIngestionDataSourceSettings().getAwsKinesis();
        assertEquals(settings.getAwsKinesis().getStreamArn(), kinesis.getStreamArn());
        assertEquals(settings.getAwsKinesis().getAwsRoleArn(), kinesis.getAwsRoleArn());
        assertEquals(made, TOPICS.getTopic(made.getName()));
    }
}

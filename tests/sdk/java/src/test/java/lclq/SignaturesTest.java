package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.SdkGlobalTime;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.SqsClientBuilder;
import software.amazon.awssdk.services.sqs.auth.scheme.SqsAuthSchemeProvider;
import software.amazon.awssdk.services.sqs.model.SqsException;

/**
 * What a server that enforces signatures makes of the SDK's signer: right keys and wrong ones, sessions, clocks that
 * are off, and URLs signed beforehand. LCLQ_SIGNED_ENDPOINT names that server.
 */
class SignaturesTest extends SqsTest {
    private static final Duration SLOW = Duration.ofMinutes(-20);
    private static final Duration FAST = Duration.ofMinutes(20);

    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private static String given(String name) {
        var value = System.getenv(name);
        assertTrue(
                value != null && !value.isEmpty(),
                name + " must be set, of a server that was started with --sqs-auth enforce");
        return value;
    }

    private static AwsCredentials key() {
        return AwsBasicCredentials.create(given("LCLQ_SIGNED_ID"), given("LCLQ_SIGNED_SECRET"));
    }

    private static AwsCredentials session() {
        return session(given("LCLQ_SESSION_TOKEN"));
    }

    private static AwsCredentials session(String token) {
        return AwsSessionCredentials.create(given("LCLQ_SESSION_ID"), given("LCLQ_SESSION_SECRET"), token);
    }

    private static SqsClientBuilder signing(AwsCredentials credentials) {
        var endpoint = given("LCLQ_SIGNED_ENDPOINT");
        return configured(SqsClient.builder(), endpoint, Region.US_EAST_1, credentials.accessKeyId())
                .credentialsProvider(StaticCredentialsProvider.create(credentials));
    }

    private static SqsClient signedBy(AwsCredentials credentials) {
        return signing(credentials).build();
    }

    /** Does with a queue of its own what clients do. */
    private void worksBy(SqsClient sqs) {
        var queue = queue(sqs, unique("java"), Map.of());
        assertTrue(queue.url.contains("/111122223333/"), queue.url);
        queue.send("signed: ü & = + %20");
        var got = queue.receiveOne();
        assertEquals("signed: ü & = + %20", got.body());
        queue.delete(got);
        var entries = List.of(BatchesTest.toSend("a", "first"), BatchesTest.toSend("b", "second"));
        var sent = BatchesTest.send(queue, entries);
        assertEquals(List.of(), sent.failed());
        assertEquals(List.of("first", "second"), sorted(Queue.bodies(queue.receiveExactly(2))));
        sqs.deleteQueue(r -> r.queueUrl(queue.url));
    }

    /** Expects that a client may not even list queues. */
    private static void refusesToList(SqsClient sqs, String code, String jsonCode, String text) {
        var exception = assertThrows(SqsException.class, sqs::listQueues);
        assertEquals(403, exception.statusCode());
        raises(code, text, () -> {
            throw exception;
        });
        var details = exception.awsErrorDetails();
        assertTrue(details.errorMessage().startsWith(text), details.errorMessage());
        // The SDK's code is the header's; the body has the protocol's own.
        var header = details.sdkHttpResponse().firstMatchingHeader("x-amzn-query-error");
        assertEquals(Optional.of(code + ";Sender"), header);
        var type = json(details.rawResponse().asUtf8String()).field("__type").orElseThrow().asString();
        assertEquals("com.amazon.coral.service#" + jsonCode, type);
    }

    private static void refusesSignature(SqsClient sqs, String text) {
        refusesToList(sqs, "SignatureDoesNotMatch", "InvalidSignatureException", text);
    }

    private static void refusesKey(AwsCredentials credentials) {
        refusesToList(
                signedBy(credentials),
                "InvalidClientTokenId",
                "UnrecognizedClientException",
                "The security token included in the request is invalid.");
    }

    @Test
    void rightKeyWorksForItsAccount() {
        worksBy(signedBy(key()));
    }

    @Test
    void wrongSecretIsRefused() {
        var wrong = AwsBasicCredentials.create(given("LCLQ_SIGNED_ID"), "not-the-secret-of-this-key");
        refusesSignature(
                signedBy(wrong), "The request signature we calculated does not match the signature you provided.");
    }

    @Test
    void unknownKeyIsRefused() {
        refusesKey(AwsBasicCredentials.create("AKIAIOSFODNN7EXAMPLE", given("LCLQ_SIGNED_SECRET")));
    }

    @Test
    void sessionWorksWithItsTokenAlone() {
        worksBy(signedBy(session()));
        refusesKey(AwsBasicCredentials.create(given("LCLQ_SESSION_ID"), given("LCLQ_SESSION_SECRET")));
        refusesKey(session("another session's token"));
    }

    /** A client that signs by a clock that is off, and does not know it. */
    private static SqsClient off(Duration by) {
        var clock = Clock.offset(Clock.systemUTC(), by);
        var usual = SqsAuthSchemeProvider.defaultProvider();
        SqsAuthSchemeProvider schemes = params -> usual.resolveAuthScheme(params).stream()
                .map(option -> option.toBuilder().putSignerProperty(AwsV4HttpSigner.SIGNING_CLOCK, clock).build())
                .toList();
        return signing(key()).authSchemeProvider(schemes).build();
    }

    @Test
    void clockThatIsOffIsRefused() {
        refusesSignature(off(SLOW), "Signature expired: ");
        refusesSignature(off(FAST), "Signature not yet current: ");
    }

    @Test
    void clockIsCorrectedByTheDateOfTheRefusal() {
        for (var by : List.of(SLOW, FAST)) {
            var answers = new ArrayList<Integer>();
            var signing = signing(key()).overrideConfiguration(o -> o.addExecutionInterceptor(noting(answers)));
            SqsClient sqs;
            // A new client starts from what the SDK has learnt last of the clock: here, what is wrong by so much. The
            // clients that other tests build at this very moment start so too, and are corrected likewise.
            SdkGlobalTime.setGlobalTimeOffset((int) -by.toSeconds());
            try {
                sqs = signing.build();
            } finally {
                SdkGlobalTime.setGlobalTimeOffset(0);
            }
            sqs.listQueues();
            assertEquals(List.of(403, 200), answers);
        }
    }

    private static ExecutionInterceptor noting(List<Integer> statuses) {
        return new ExecutionInterceptor() {
            @Override
            public void afterTransmission(Context.AfterTransmission context, ExecutionAttributes attributes) {
                statuses.add(context.httpResponse().statusCode());
            }
        };
    }

    /** A URL that lists queues for some seconds. */
    private static String presigned(AwsCredentials credentials, int seconds) {
        var url = given("LCLQ_SIGNED_ENDPOINT").replaceAll("/$", "") + "/?Action=ListQueues&Version=2012-11-05";
        var request = SdkHttpRequest.builder().method(SdkHttpMethod.GET).uri(URI.create(url)).build();
        var signed = AwsV4HttpSigner.create().sign(r -> r.identity(credentials)
                .request(request)
                .putProperty(AwsV4HttpSigner.SERVICE_SIGNING_NAME, "sqs")
                .putProperty(AwsV4HttpSigner.REGION_NAME, "us-east-1")
                .putProperty(AwsV4HttpSigner.AUTH_LOCATION, AwsV4HttpSigner.AuthLocation.QUERY_STRING)
                .putProperty(AwsV4HttpSigner.EXPIRATION_DURATION, Duration.ofSeconds(seconds)));
        return signed.request().getUri().toString();
    }

    /** GETs a URL as anybody would. */
    private static HttpResponse<String> fetch(String url) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url)).build();
        var response = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        assertEquals(Optional.of("text/xml"), response.headers().firstValue("Content-Type"));
        return response;
    }

    private static void listsByUrl(String url) throws Exception {
        var response = fetch(url);
        assertEquals(200, response.statusCode(), response.body());
        assertTrue(response.body().contains("<ListQueuesResponse"), response.body());
    }

    private static void refusesUrl(String url, String text) throws Exception {
        var response = fetch(url);
        assertEquals(403, response.statusCode(), response.body());
        assertTrue(response.body().contains("<Code>SignatureDoesNotMatch</Code>"), response.body());
        assertTrue(response.body().contains("<Message>" + text), response.body());
    }

    @Test
    void presignedUrlWorksUntilItExpires() throws Exception {
        // The first request of a signer and of a client takes them a while, of which this is no test.
        listsByUrl(presigned(key(), 60));
        // Dates tell whole seconds only, so a URL for a single one may be over at once.
        var url = presigned(key(), 3);
        listsByUrl(url);
        sleep(3200);
        refusesUrl(url, "Signature expired: ");
    }

    @Test
    void presignedUrlOfASession() throws Exception {
        var url = presigned(session(), 60);
        assertTrue(url.contains("X-Amz-Security-Token="), url);
        listsByUrl(url);
    }

    @Test
    void changedPresignedUrlIsRefused() throws Exception {
        var url = presigned(key(), 60);
        var changes = Map.of(
                "Version=2012-11-05", "Version=2012-11-06",
                "X-Amz-Expires=60", "X-Amz-Expires=90",
                "Action=ListQueues", "Action=ListQueuez");
        for (var change : changes.entrySet()) {
            var changed = url.replace(change.getKey(), change.getValue());
            assertNotEquals(url, changed, "nothing to change");
            refusesUrl(changed, "The request signature we calculated does not match");
        }
    }
}

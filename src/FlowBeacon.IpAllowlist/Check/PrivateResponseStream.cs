using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>A response body that sets <c>Cache-Control: private</c> before anything reaches the cache underneath.</summary>
internal sealed class PrivateResponseStream(HttpResponse response, Stream inner) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Forbids shared caches to store a response that has not started, unless every cache is already forbidden.</summary>
    public static void MakePrivate(HttpResponse response)
    {
        string stated = response.Headers.CacheControl.ToString();
        if (!response.HasStarted && !stated.Contains(CacheControlHeaderValue.NoStoreString, StringComparison.OrdinalIgnoreCase))
        {
            response.Headers.CacheControl = CacheControlHeaderValue.PrivateString;
        }
    }

    public override void Flush()
    {
        MakePrivate(response);
        inner.Flush();
    }

    public override Task FlushAsync(CancellationToken cancellationToken)
    {
        MakePrivate(response);
        return inner.FlushAsync(cancellationToken);
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        MakePrivate(response);
        inner.Write(buffer, offset, count);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        MakePrivate(response);
        return inner.WriteAsync(buffer, cancellationToken);
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}

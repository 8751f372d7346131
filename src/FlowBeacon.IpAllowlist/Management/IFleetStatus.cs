namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// Which of the committed revisions (<see cref="IApiKeyRepository.CommitAsync"/>) are visible to requests, on this node and on the others.
/// Registered by <c>AddKeyManagement()</c>; a repository that nodes share registers its own as a singleton.
/// </summary>
/// <remarks>
/// The default knows only this process and the revisions of <see cref="InMemoryApiKeyRepository"/>. With a repository of your own,
/// register your own <see cref="IFleetStatus"/> too: the default cannot know the revisions and throws. One that asks a
/// database throws <see cref="ApiKeyStoreUnavailableException"/> while that does not answer. A node that has no keys yet is listed as
/// behind.
/// </remarks>
public interface IFleetStatus
{
    /// <summary>The newest revision that requests to this process see; 0 before the first. Read from memory.</summary>
    /// <exception cref="InvalidOperationException">
    /// This is the default, and the repository is not <see cref="InMemoryApiKeyRepository"/>.
    /// </exception>
    long Revision { get; }

    /// <summary>Lists the nodes that serve requests, this one included, and those that may still do so although they are silent.</summary>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The nodes, this one first. A node that has left the fleet is not included.</returns>
    /// <exception cref="InvalidOperationException">
    /// This is the default, and the repository is not <see cref="InMemoryApiKeyRepository"/>.
    /// </exception>
    ValueTask<IReadOnlyList<FleetNode>> GetNodesAsync(CancellationToken cancellationToken);

    /// <summary>Waits until requests to every node of <see cref="GetNodesAsync"/> see a revision or a later one.</summary>
    /// <param name="revision">The revision of a committed change.</param>
    /// <param name="timeout">How long to wait at most; zero checks without waiting.</param>
    /// <param name="cancellationToken">Cancels the waiting.</param>
    /// <returns>True if they do; false after the timeout: <see cref="GetNodesAsync"/> shows which nodes are behind.</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="timeout"/> is negative; an infinite timeout is not supported.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// This is the default, and the repository is not <see cref="InMemoryApiKeyRepository"/>.
    /// </exception>
    ValueTask<bool> WaitAsync(long revision, TimeSpan timeout, CancellationToken cancellationToken);
}

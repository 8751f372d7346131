namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// How far changes of keys have come: which of the committed revisions (<see cref="IApiKeyRepository.CommitAsync"/>) requests see, here and
/// on the other nodes. Registered by <c>AddKeyManagement()</c>; a repository that nodes share registers its own as a singleton.
/// </summary>
/// <remarks>
/// The default knows this process alone, and the revisions of <see cref="InMemoryApiKeyRepository"/>. With a repository of your own,
/// register an <see cref="IFleetStatus"/> beside it: the default then refuses to answer, because it would have to guess. One that asks a
/// database throws <see cref="ApiKeyStoreUnavailableException"/> while that does not answer. A node that has no keys yet is listed as
/// one that is behind.
/// </remarks>
public interface IFleetStatus
{
    /// <summary>The newest revision that requests to this process see; 0 before the first. Read from memory.</summary>
    /// <exception cref="InvalidOperationException">It is the default, and the repository is not the one it knows.</exception>
    long Revision { get; }

    /// <summary>Lists the nodes that serve requests, this one included, and those that may still do so although they are silent.</summary>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The nodes, this one first. One that has left for good is not among them.</returns>
    /// <exception cref="InvalidOperationException">It is the default, and the repository is not the one it knows.</exception>
    ValueTask<IReadOnlyList<FleetNode>> GetNodesAsync(CancellationToken cancellationToken);

    /// <summary>Waits until requests to every node of <see cref="GetNodesAsync"/> see a revision or a later one.</summary>
    /// <param name="revision">The revision of a committed change.</param>
    /// <param name="timeout">How long to wait at most; zero only looks.</param>
    /// <param name="cancellationToken">Cancels the waiting.</param>
    /// <returns>True if they do, false if the time is over: <see cref="GetNodesAsync"/> tells who is behind.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="timeout"/> is negative: there is no waiting without end.</exception>
    /// <exception cref="InvalidOperationException">It is the default, and the repository is not the one it knows.</exception>
    ValueTask<bool> WaitAsync(long revision, TimeSpan timeout, CancellationToken cancellationToken);
}

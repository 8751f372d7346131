namespace FlowBeacon.IpAllowlist.Check;

/// <summary>The result of reading the credential header of a request.</summary>
internal enum ApiKeyReading
{
    /// <summary>No credential, or one of another scheme.</summary>
    NoKey,

    /// <summary>Several credentials, or one with our prefix that cannot be a key.</summary>
    Invalid,

    /// <summary>One credential to look up, with our prefix: invalid if it is unknown.</summary>
    Prefixed,

    /// <summary>One credential to look up, without our prefix: one of another scheme (a JWT, say) if it is unknown.</summary>
    Unprefixed,
}

/// <summary>The credential of a request, as read from its header.</summary>
internal readonly struct ApiKeyCredential(ApiKeyReading reading, ApiKeyHash hash, string? headerText = null)
{
    public ApiKeyReading Reading => reading;

    /// <summary>The hash of a credential to look up.</summary>
    public ApiKeyHash Hash => hash;

    /// <summary>The header's text, raw key included, to be remembered if a key is found; null if it is already remembered.</summary>
    public string? HeaderText => headerText;

    public bool IsToLookUp => reading is ApiKeyReading.Prefixed or ApiKeyReading.Unprefixed;
}

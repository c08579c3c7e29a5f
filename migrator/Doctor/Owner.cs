using Migrator.Journal;
using Migrator.Model;

namespace Migrator.Doctor;

/// <summary>A tenant, and its newest promotion if there was one.</summary>
public sealed record Owner(Tenant Tenant, PromotionRecord? Promotion);

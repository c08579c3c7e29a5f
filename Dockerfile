# The migrator as a Cloud Run job. Cloud Run passes the verb: promote, status, verify, rollback, finalize.
# Bases are pinned by digest; Dependabot proposes newer ones.
FROM mcr.microsoft.com/dotnet/sdk:10.0@sha256:35d40304542c8689331f8cab17c65926cdf48fe711e289321d71924b230a7d29 AS build
WORKDIR /src
COPY global.json Directory.Build.props Directory.Packages.props .editorconfig ./
COPY migrator/migrator.csproj migrator/
RUN dotnet restore migrator --runtime linux-x64
COPY docs/sample/ docs/sample/
COPY migrator/ migrator/
RUN dotnet publish migrator --no-restore --configuration Release --runtime linux-x64 --self-contained --output /app

FROM debian:trixie-slim@sha256:a29215f6a35e51e22adffa17f89e9d2ef06214e64a2bad10d765c46aea49f11f
# pg_dump and pg_restore of the newest server that the migrator meets: an older pg_dump refuses a newer server.
# postgresql-common brings PGDG's script and its key, so that no key is fetched unverified.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libssl3t64 postgresql-common tzdata \
    && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
    && apt-get install --yes --no-install-recommends postgresql-client-18 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home migrator
COPY --from=build /app /app
# The platform's dry-run job runs this instead, so that whoever may start it can start nothing else.
COPY platform/dry-run.sh /app/dry-run
USER 10001:10001
# Routing documents are written below the working directory, and tenancy.json, if there is one, is read from it. A pattern that
# matches nothing is an error unless another file of the same line exists.
WORKDIR /home/migrator
COPY global.json tenancy.json* ./
ENTRYPOINT ["/app/migrator"]

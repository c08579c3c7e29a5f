.DEFAULT_GOAL := help
.PHONY: help build demo test soak golden format bench isolate isolate-db-only tenant-status rollback clean

MIGRATOR := artifacts/migrator/migrator
FLAGS ?=

help:
	@echo "make demo [KEEP=1]                 a promotion and a rollback on throw-away servers"
	@echo "make test                          the tests, on servers of their own"
	@echo "make soak                          what make test leaves out: whole sweeps, long histories, every version"
	@echo "make build                         artifacts/migrator/migrator"
	@echo "make bench [ROWS=2000000] [PARTS=…]  the benchmarks of docs/benchmarks.md; ten minutes"
	@echo "make golden                        writes the golden resource graphs anew"
	@echo "make isolate TENANT_ID=acme-corp   the tenant's stack, then the promotion as its Cloud Run job"
	@echo "make isolate-db-only TENANT_ID=…   the promotion alone, from here (FLAGS=--dry-run shows the plan)"
	@echo "make tenant-status TENANT_ID=…     where it is"
	@echo "make rollback TENANT_ID=…          put it back"

build: $(MIGRATOR)

$(MIGRATOR): $(shell git ls-files migrator docs/sample 2>/dev/null) Directory.Build.props Directory.Packages.props
	@command -v dotnet >/dev/null || { echo "The .NET 10 SDK is not installed: https://dotnet.microsoft.com/download/dotnet/10.0" >&2; exit 1; }
	dotnet publish migrator -c Release -v quiet --nologo -o artifacts/migrator
	@touch $@

demo: build
	$(MIGRATOR) demo $(if $(KEEP),--keep)

test:
	bash tests/run

soak:
	bash tests/run soak

format:
	dotnet tool restore
	dotnet csharpier format .

bench:
	dotnet build bench -c Release -v quiet --nologo
	artifacts/bin/bench/release/bench $(ROWS) $(PARTS)

golden:
	UPDATE_GOLDEN=1 dotnet run --project tests/infra

# The job's image promotes; verify afterwards reads both sides once more.
isolate: tenant-id
	@command -v pulumi >/dev/null && command -v gcloud >/dev/null || { echo "The whole way takes pulumi and gcloud, which are not both here. For the database alone: make isolate-db-only TENANT_ID=$(TENANT_ID)" >&2; exit 1; }
	pulumi up --stack $(TENANT_ID)
	output() { pulumi stack output "$$1" --stack $(TENANT_ID); } && \
	run() { gcloud run jobs execute "$$(output migrationJob)" --project "$$(output project)" --region "$$(output region)" --wait "$$@"; } && \
	run && run --args=verify,--tenant-slug=$(TENANT_ID),--log-format,json

isolate-db-only: build tenant-id
	$(MIGRATOR) promote --tenant-slug=$(TENANT_ID) --confirm $(FLAGS)

tenant-status: build tenant-id
	$(MIGRATOR) status --tenant-slug=$(TENANT_ID) $(FLAGS)

rollback: build tenant-id
	$(MIGRATOR) rollback --tenant-slug=$(TENANT_ID) --confirm $(FLAGS)

.PHONY: tenant-id
tenant-id:
	@test -n "$(TENANT_ID)" || { echo "Which tenant? Say TENANT_ID=acme-corp." >&2; exit 2; }

clean:
	rm -rf artifacts

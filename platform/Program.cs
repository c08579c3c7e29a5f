using Platforms;

return await Pulumi.Deployment.RunAsync<PlatformStack>();

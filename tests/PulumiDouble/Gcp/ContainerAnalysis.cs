namespace Pulumi.Gcp.ContainerAnalysis
{
    public class Note(string name, NoteArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:containeranalysis/note:Note", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;
    }

    public sealed class NoteArgs : ResourceArgs
    {
        [Input("attestationAuthority", required: true)]
        public Input<Inputs.NoteAttestationAuthorityArgs> AttestationAuthority { get; set; } = null!;

        [Input("name")]
        public Input<string>? Name { get; set; }
    }

    public class NoteIamMember(string name, NoteIamMemberArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:containeranalysis/noteIamMember:NoteIamMember", name, args, options);

    public sealed class NoteIamMemberArgs : ResourceArgs
    {
        [Input("member", required: true)]
        public Input<string> Member { get; set; } = null!;

        [Input("note", required: true)]
        public Input<string> Note { get; set; } = null!;

        [Input("role", required: true)]
        public Input<string> Role { get; set; } = null!;
    }
}

namespace Pulumi.Gcp.ContainerAnalysis.Inputs
{
    public sealed class NoteAttestationAuthorityArgs : ResourceArgs
    {
        [Input("hint", required: true)]
        public Input<NoteAttestationAuthorityHintArgs> Hint { get; set; } = null!;
    }

    public sealed class NoteAttestationAuthorityHintArgs : ResourceArgs
    {
        [Input("humanReadableName", required: true)]
        public Input<string> HumanReadableName { get; set; } = null!;
    }
}

using System.Collections.Immutable;
using System.Globalization;

namespace Pulumi
{
    /// <summary>
    /// A value that is known once the resource it comes from exists. Unknown values are left out: no test previews.
    /// </summary>
    public sealed class Output<T> : IOutput
    {
        internal Output(Task<OutputData<T>> data)
        {
            Data = data;
            Deployment.Current?.Track(data);
        }

        internal Task<OutputData<T>> Data { get; }

        public Output<TResult> Apply<TResult>(Func<T, TResult> func) => new(ApplyAsync(func));

        async Task<OutputData<object?>> IOutput.DataAsync()
        {
            var data = await Data.ConfigureAwait(false);
            return new OutputData<object?>(data.Value, data.IsSecret);
        }

        async Task<OutputData<TResult>> ApplyAsync<TResult>(Func<T, TResult> func)
        {
            var data = await Data.ConfigureAwait(false);
            return new OutputData<TResult>(func(data.Value), data.IsSecret);
        }
    }

    public static class Output
    {
        public static Output<T> Create<T>(T value) => Of(value, isSecret: false);

        public static Output<T> CreateSecret<T>(T value) => Of(value, isSecret: true);

        public static Output<T> CreateSecret<T>(Output<T> value) => new(SecretAsync(value));

        public static async Task<bool> IsSecretAsync<T>(Output<T> output) =>
            (await output.Data.ConfigureAwait(false)).IsSecret;

        public static Output<(T1, T2)> Tuple<T1, T2>(Output<T1> item1, Output<T2> item2) =>
            new(TupleAsync(item1, item2));

        public static Output<(T1, T2, T3, T4)> Tuple<T1, T2, T3, T4>(
            Output<T1> item1,
            Output<T2> item2,
            Output<T3> item3,
            Output<T4> item4
        ) =>
            Tuple(Tuple(item1, item2), Tuple(item3, item4))
                .Apply(pairs => (pairs.Item1.Item1, pairs.Item1.Item2, pairs.Item2.Item1, pairs.Item2.Item2));

        public static Output<string> Format(FormattableString formattableString) => new(FormatAsync(formattableString));

        public static Output<ImmutableArray<T>> All<T>(IEnumerable<Input<T>> inputs) => new(AllAsync(inputs));

        static Output<T> Of<T>(T value, bool isSecret) => new(Task.FromResult(new OutputData<T>(value, isSecret)));

        static async Task<OutputData<T>> SecretAsync<T>(Output<T> output) =>
            await output.Data.ConfigureAwait(false) with
            {
                IsSecret = true,
            };

        static async Task<OutputData<(T1, T2)>> TupleAsync<T1, T2>(Output<T1> item1, Output<T2> item2)
        {
            var (first, second) = (await item1.Data.ConfigureAwait(false), await item2.Data.ConfigureAwait(false));
            return new OutputData<(T1, T2)>((first.Value, second.Value), first.IsSecret || second.IsSecret);
        }

        static async Task<OutputData<string>> FormatAsync(FormattableString text)
        {
            var arguments = new List<object?>();
            var isSecret = false;
            foreach (var argument in text.GetArguments())
            {
                var data = argument is IOutput output
                    ? await output.DataAsync().ConfigureAwait(false)
                    : new OutputData<object?>(argument, false);
                arguments.Add(data.Value);
                isSecret |= data.IsSecret;
            }

            return new OutputData<string>(
                string.Format(CultureInfo.InvariantCulture, text.Format, [.. arguments]),
                isSecret
            );
        }

        static async Task<OutputData<ImmutableArray<T>>> AllAsync<T>(IEnumerable<Input<T>> inputs)
        {
            var values = ImmutableArray.CreateBuilder<T>();
            var isSecret = false;
            foreach (var input in inputs)
            {
                var data = await input.ToOutput().Data.ConfigureAwait(false);
                values.Add(data.Value);
                isSecret |= data.IsSecret;
            }

            return new OutputData<ImmutableArray<T>>(values.ToImmutable(), isSecret);
        }
    }

    interface IOutput
    {
        Task<OutputData<object?>> DataAsync();
    }

    readonly record struct OutputData<T>(T Value, bool IsSecret);
}

namespace Pulumi.Utilities
{
    public static class OutputUtilities
    {
        public static async Task<T> GetValueAsync<T>(Output<T> output) =>
            (await output.Data.ConfigureAwait(false)).Value;
    }
}

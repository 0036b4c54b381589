#!/usr/bin/env python3
"""ONNX Runtime on the same encoder weights and the same sentences as ours, in alternation with it.

Usage: onnxruntime.py FOLDER. Starts `cargo bench --bench encoder -- --serve FOLDER`, which runs our rounds on request. The packages come
from PyPI into FOLDER/onnxruntime-venv. The graph is built from models/multilingual-e5-small-ja-en with ONNX Runtime's own fused
operators (Attention, SkipLayerNormalization, BiasGelu), then quantised by its dynamic quantisation to 8 bits.
"""
import pathlib
import statistics
import subprocess
import sys
import time
import venv

ROUNDS = 7
BATCH = 32
LAYERS, HEADS, HIDDEN = 12, 12, 384
EPSILON = 1e-12
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ["gguf", "numpy", "onnx", "onnxruntime"]


def build(path):
    """The encoder with mean pooling as an ONNX graph: ids and mask in, one vector a sentence out."""
    import gguf
    import numpy
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    file = gguf.GGUFReader(REPOSITORY / "models/multilingual-e5-small-ja-en/model.gguf")
    weights = {
        tensor.name: gguf.dequantize(tensor.data, tensor.tensor_type).astype(numpy.float32).reshape(
            [int(size) for size in reversed(tensor.shape)]
        )
        for tensor in file.tensors
    }
    nodes, constants = [], {}

    def constant(name, value):
        constants[name] = value
        return name

    def add(operator, inputs, output, domain="", **attributes):
        nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output

    def named(name):
        return constant(name, weights[name].reshape(-1))

    def skip_norm(x, other, norm, bias, output):
        inputs = [x, other, named(f"{norm}.weight"), named(f"{norm}.bias"), bias]
        return add("SkipLayerNormalization", inputs, output, "com.microsoft", epsilon=EPSILON)

    def matrix(name):
        return constant(f"{name}.weight.t", numpy.ascontiguousarray(weights[f"{name}.weight"].T))

    words = constant("words", weights["embeddings.word_embeddings.weight"])
    positions = weights["embeddings.position_embeddings.weight"]
    positions = constant("positions", positions + weights["embeddings.token_type_embeddings.weight"][0])
    add("Shape", ["ids"], "shape")
    add("Gather", ["shape", constant("one", numpy.array(1, numpy.int64))], "width")
    zero = constant("zero", numpy.array([0], numpy.int64))
    add("Unsqueeze", ["width", zero], "until")
    add("Slice", [positions, zero, "until", zero], "position")
    add("Gather", [words, "ids"], "word")
    add("Add", ["word", "position"], "sum")
    norm = [named("embeddings.LayerNorm.weight"), named("embeddings.LayerNorm.bias")]
    x = add("LayerNormalization", ["sum", *norm], "x", axis=-1, epsilon=EPSILON)
    for layer in range(LAYERS):
        base = f"encoder.layer.{layer}."
        parts = [f"{base}attention.self.{part}" for part in ("query", "key", "value")]
        qkv = constant(f"{base}qkv.w", numpy.concatenate([weights[f"{part}.weight"] for part in parts]).T.copy())
        bias = constant(f"{base}qkv.b", numpy.concatenate([weights[f"{part}.bias"].reshape(-1) for part in parts]))
        add("Attention", [x, qkv, bias, "mask"], f"{base}context", "com.microsoft", num_heads=HEADS)
        projected = add("MatMul", [f"{base}context", matrix(f"{base}attention.output.dense")], f"{base}projected")
        bias = named(f"{base}attention.output.dense.bias")
        x = skip_norm(x, projected, f"{base}attention.output.LayerNorm", bias, f"{base}middle")
        wide = add("MatMul", [x, matrix(f"{base}intermediate.dense")], f"{base}wide")
        wide = add("BiasGelu", [wide, named(f"{base}intermediate.dense.bias")], f"{base}gelu", "com.microsoft")
        narrow = add("MatMul", [wide, matrix(f"{base}output.dense")], f"{base}narrow")
        x = skip_norm(x, narrow, f"{base}output.LayerNorm", named(f"{base}output.dense.bias"), f"{base}out")
    add("Cast", ["mask"], "weight", to=TensorProto.FLOAT)
    last = constant("last", numpy.array([2], numpy.int64))
    add("Unsqueeze", ["weight", last], "weights")
    add("Mul", [x, "weights"], "weighted")
    second = constant("second", numpy.array([1], numpy.int64))
    add("ReduceSum", ["weighted", second], "total", keepdims=0)
    add("ReduceSum", ["weight", second], "count", keepdims=1)
    add("Div", ["total", "count"], "pooled")
    graph = helper.make_graph(
        nodes,
        "encoder",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "width"]),
            helper.make_tensor_value_info("mask", TensorProto.INT32, ["batch", "width"]),
        ],
        [helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["batch", HIDDEN])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)


def batches(sentences):
    import numpy

    made = []
    for start in range(0, len(sentences), BATCH):
        part = sentences[start : start + BATCH]
        width = max(map(len, part))
        ids = numpy.full((len(part), width), 1, numpy.int64)
        mask = numpy.zeros((len(part), width), numpy.int32)
        for row, sentence in enumerate(part):
            ids[row, : len(sentence)] = sentence
            mask[row, : len(sentence)] = 1
        made.append({"ids": ids, "mask": mask})
    return made


def measure(folder):
    import numpy
    import onnx
    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic

    full, small = folder / "encoder.onnx", folder / "encoder-int8.onnx"
    build(full)
    # The types of the fused operators' outputs are not inferred.
    options = {"DefaultTensorType": onnx.TensorProto.FLOAT}
    quantize_dynamic(full, small, weight_type=QuantType.QInt8, extra_options=options)

    def session(path, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that wait in a loop would count as work.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    ours = subprocess.Popen(
        ["cargo", "bench", "--quiet", "--bench", "encoder", "--", "--serve", folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )

    def ask(request=None):
        if request is not None:
            ours.stdin.write(f"{request}\n")
            ours.stdin.flush()
        answer = ours.stdout.readline().strip()
        if not answer:
            sys.exit("our bench ended")
        return answer

    while ask() != "ready":
        pass
    lines = (folder / "sentences.txt").read_text().split("\n")
    sentences = [[int(token) for token in line.split()] for line in lines]
    made = batches(sentences)
    tokens = sum(map(len, sentences))

    def run(one):
        return numpy.concatenate([one.run(None, batch)[0] for batch in made])

    exact = run(session(full, 2))
    ask("vectors")
    vectors = numpy.fromfile(folder / "vectors.f32", numpy.float32).reshape(exact.shape)
    for name, found in (("ours", vectors), ("ONNX Runtime int8", run(session(small, 2)))):
        cosine = (found * exact).sum(1) / numpy.linalg.norm(found, axis=1) / numpy.linalg.norm(exact, axis=1)
        print(f"{name}: cosine to ONNX Runtime f32 mean {cosine.mean():.5f}, worst {cosine.min():.5f}")
    for threads in (1, 2):
        peers = {"ONNX Runtime f32": session(full, threads), "ONNX Runtime int8": session(small, threads)}
        times = {"ours": [], **{name: [] for name in peers}}
        for _ in range(ROUNDS):
            times["ours"].append(tuple(map(float, ask(threads).split())))
            for name, one in peers.items():
                processor, wall = time.process_time(), time.perf_counter()
                run(one)
                times[name].append((time.process_time() - processor, time.perf_counter() - wall))
        for name, taken in times.items():
            for clock, column in (("processor", 0), ("wall", 1)):
                # So many threads at work give that many seconds of processor time a second.
                share = threads if column == 0 else 1
                best = min(pair[column] for pair in taken) / share
                pairs = zip(taken, times["ours"])
                ratio = statistics.median(pair[column] / own[column] for pair, own in pairs)
                print(
                    f"{threads} threads, {name}, {clock} time: best {len(sentences) / best:,.0f} sentences/s, "
                    f"{tokens / best:,.0f} tokens/s; ours is {ratio:.2f} times as fast (median of {ROUNDS} rounds)"
                )
    ours.stdin.close()
    ours.wait()


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    home = folder / "onnxruntime-venv"
    python = home / "bin" / "python"
    if pathlib.Path(sys.prefix).resolve() != home:
        if not python.exists():
            venv.create(home, with_pip=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        sys.exit(subprocess.run([python, __file__, folder]).returncode)
    # This file is called like the package: look for the package first.
    sys.path = [place for place in sys.path if pathlib.Path(place).resolve() != pathlib.Path(__file__).resolve().parent]
    measure(folder)


if __name__ == "__main__":
    main()

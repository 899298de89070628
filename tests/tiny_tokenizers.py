"""Small tokenizers made by hand, of the kinds that published models use."""

from collections import Counter
from itertools import pairwise

from tokenizers import (
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

ASCII = [chr(code) for code in range(33, 127)]
CORPUS = """
the quick brown fox jumps over the lazy dog near the river bank
mars is often called the red planet because of its reddish appearance
represent this sentence for searching relevant passages and documents
given a web search query retrieve relevant passages that answer the query
instruct query passage document title text classification clustering
what is the capital of france paris is the capital and largest city of france
invoices are exported monthly and every tenant pays for the tokens it used
the model was loaded evicted and loaded again while requests kept arriving
hello world this is a test with numbers 0 1 2 3 10 42 100 2024 and punctuation
models layers tokens batches queues threads memory limits quotas rates keys users
""".strip().splitlines()
WORDS = sorted(set(" ".join(CORPUS).split()))
BERT_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
END_OF_TEXT = "<|endoftext|>"
QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def wordpiece():
    """BERT's: `[CLS] text [SEP]`; what is not in its few pages is [UNK]."""
    letters = [letter for letter in ASCII if not letter.isupper()]
    tokens = BERT_SPECIALS + letters
    tokens += ["##" + letter for letter in letters if letter.isalnum()]
    tokens += ["##s", "##ing", "##ed", "##er", "##ion"]
    tokens += [word for word in WORDS if len(word) > 1]
    tokens += ["é", "ß", "中", "文", "日", "本"]
    ids = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    tokenizer = Tokenizer(models.WordPiece(vocab=ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    tokenizer.add_special_tokens(BERT_SPECIALS)
    named = {f"{name[1:-1].lower()}_token": name for name in BERT_SPECIALS}
    return tokenizer, {"tokenizer_class": "BertTokenizer", **named}


def byte_bpe(*, merges_wanted=150):
    """Qwen's: bytes, merges learnt from the corpus, the end-of-text token appended."""
    split = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    ids = {letter: number for number, letter in enumerate(alphabet)}
    merges = _merges(split, merges_wanted)
    for left, right in merges:
        ids.setdefault(left + right, len(ids))
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([END_OF_TEXT, "<|im_start|>", "<|im_end|>"])
    end = tokenizer.token_to_id(END_OF_TEXT)
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(
                add_prefix_space=False, trim_offsets=False, use_regex=False
            ),
            processors.TemplateProcessing(
                single=f"$A:0 {END_OF_TEXT}:0",
                pair=f"$A:0 $B:1 {END_OF_TEXT}:1",
                special_tokens=[(END_OF_TEXT, end)],
            ),
        ]
    )
    return tokenizer, {
        "tokenizer_class": "Qwen2Tokenizer",
        "add_prefix_space": False,
        "eos_token": "<|im_end|>",
        "pad_token": END_OF_TEXT,
    }


def _merges(split, wanted):
    words = Counter(
        tuple(piece) for line in CORPUS for piece, _ in split.pre_tokenize_str(line)
    )
    merges = []
    while len(merges) < wanted:
        pairs = Counter()
        for word, count in words.items():
            for pair in pairwise(word):
                pairs[pair] += count
        # Ties are broken by the text, so that every run learns the same.
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        merged = Counter()
        for word, count in words.items():
            merged[_joined(word, best)] += count
        words = merged
    return merges


def _joined(word, pair):
    joined, place = [], 0
    while place < len(word):
        size = 2 if tuple(word[place : place + 2]) == pair else 1
        joined.append("".join(word[place : place + size]))
        place += size
    return tuple(joined)


def unigram(kind):
    """SentencePiece's: `<s> text </s>` for "xlm-r", `text </s>` for "t5"."""
    is_t5 = kind == "t5"
    specials = (
        ["<pad>", "</s>", "<unk>"] if is_t5 else ["<s>", "<pad>", "</s>", "<unk>"]
    )
    scores = dict.fromkeys(specials, 0.0) | {"▁": -3.0}
    scores |= dict.fromkeys([*ASCII, "é", "ß", "中", "文", "日", "本", "🙂"], -8.0)
    for number, word in enumerate(WORDS):
        scores.setdefault(f"▁{word}", -4.0 - 0.01 * number)
        if len(word) > 3:
            scores.setdefault(word, -7.0 - 0.01 * number)
    for piece, score in {"s": -5.0, "ing": -6.0, "ed": -6.0, "▁re": -6.5}.items():
        scores.setdefault(piece, score)
    if not is_t5:
        scores["<mask>"] = 0.0
    pieces = list(scores.items())
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=specials.index("<unk>")))
    mark = {"replacement": "▁", "prepend_scheme": "always"}
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(**mark)]
    )
    tokenizer.decoder = decoders.Metaspace(**mark)
    start = "" if is_t5 else "<s>:0 "
    ids = {token: number for number, (token, _) in enumerate(pieces)}
    marks = ["</s>"] if is_t5 else ["<s>", "</s>"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start}$A:0 </s>:0",
        pair=f"{start}$A:0 </s>:0 $B:0 </s>:0",
        special_tokens=[(token, ids[token]) for token in marks],
    )
    tokenizer.add_special_tokens(specials)
    named = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    if is_t5:
        return tokenizer, {"tokenizer_class": "T5Tokenizer", "extra_ids": 0, **named}
    named |= {"bos_token": "<s>", "cls_token": "<s>", "sep_token": "</s>"}
    return tokenizer, {"tokenizer_class": "XLMRobertaTokenizer", **named}

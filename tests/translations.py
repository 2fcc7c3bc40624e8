"""What is wrong with one translation: fields, code, numbers, links and words that the glossary forbids."""

import re
from collections import Counter

FIELD = re.compile(r"\{[^{}\"]*\}")
CODE = re.compile(r"`[^`]+`|<code>.*?</code>")
LINK = re.compile(r"\]\(([^)]*)\)")
IN_WORDS = re.compile(
    r"\b(?:zeros?|ones?|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|hundred|thousand|half|twice|once|"
    r"first|second|third|fifth|tenth|dozen|both|million|billion)\b",
    re.I,
)
NUMBER = re.compile(r"\d[\d,.]*\d|\d")
HANGUL = re.compile(r"[가-힣]")
# Two words for one thing, or a Korean that nobody speaks. The right word stands at the right.
FORBIDDEN = {
    "미세 튜닝": "미세 조정",
    "파인튜닝": "미세 조정",
    "파인 튜닝": "미세 조정",
    "에포크": "에폭",
    "데이터 세트": "데이터셋",
    "데이터 셋": "데이터셋",
    "토큰나이저": "토크나이저",
    "토크 나이저": "토크나이저",
    "하이퍼 파라미터": "하이퍼파라미터",
    "러닝레이트": "학습률",
    "학습율": "학습률",
    "라벨": "레이블",
    "웨이트": "가중치",
    "그래디언트": "그레이디언트",
    "그라디언트": "그레이디언트",
    "로지트": "로짓",
    "어텐션마스크": "어텐션 마스크",
    "체크 포인트": "체크포인트",
    "드랍아웃": "드롭아웃",
    "조기 종료": "조기 중단",
    "얼리 스토핑": "조기 중단",
    "옵티마이져": "옵티마이저",
    "베이스라인": "기준 모델",
    "사전학습": "사전 학습",
    "사전 훈련": "사전 학습",
    "과적합화": "과적합",
    "오버피팅": "과적합",
    "평가지표": "평가 지표",
    "분류층": "분류기",
    "함께 들어 있는": "기본 제공",
    "함께 제공하는": "기본 제공",
    "당신": "nothing: Korean needs no subject",
    "되어집니다": "됩니다",
    "되어지는": "되는",
    "보여집니다": "보입니다",
    "에 대한 것입니다": "an active verb",
    "훈련련": "훈련",
    "평가 하기": "평가하기",
    "훈련 하기": "훈련하기",
}
# A particle that depends on the sound before it, straight after a value: the value decides the sound
PARTICLE = re.compile(
    r"\{[^{}]*\}[`'\"]?(?:을|를|이|가|은|는|과|와|으로|로)(?=[\s.,!?]|$)|[을를이가은는와과]\((?:[을를이가은는와과])\)"
)


def problems(english: str, own: str) -> list[str]:
    """Return what is wrong with the translation `own` of `english`, in a sentence each."""
    found = []
    plain, theirs = FIELD.sub("", english), FIELD.sub("", own)
    for name, pattern, one, other in (
        ("fields", FIELD, english, own),
        ("code", CODE, english, own),
        ("links", LINK, english, own),
        ("numbers", NUMBER, LINK.sub("", CODE.sub("", plain)), LINK.sub("", CODE.sub("", theirs))),
    ):
        left, right = Counter(pattern.findall(one)), Counter(pattern.findall(other))
        if name == "numbers" and not left - right and IN_WORDS.search(one):
            continue  # English writes small numbers in words
        if left != right:
            found.append(f"{name}: missing {list(left - right)}, added {list(right - left)}")
    for edge in (r"^\s*", r"\s*$"):
        if re.search(edge, english)[0] != re.search(edge, own)[0]:
            found.append("other white space at an end")
    if english.count("**") != own.count("**"):
        found.append("another number of **")
    found += [f"{word} → {right}" for word, right in FORBIDDEN.items() if word in own]
    found += [f"a particle after a value: {hit[0]}" for hit in PARTICLE.finditer(own)]
    return found

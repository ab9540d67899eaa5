"""What are streets, estates, villages and companies called? All names are invented."""

import numpy as np

_LUCKY = (
    "安和 瑞景 金桂 翠园 兰庭 锦绣 明珠 阳光 春晓 书香 丽水 康泰 "
    "福星 祥云 鸿运 文苑 紫薇 银杏 海棠 玉泉 清风 望月 临江 映山 "
    "凤鸣 龙湾 秀水 嘉禾 南湖 北苑 东篱 西城 长青 永乐 华庭 天和 "
    "万象 新悦 百合 雅居"
).split()
_HOMES = ("花园 小区 家园 苑 华府 名邸 雅苑 新村 公馆 城 府 湾").split()
_COMPOUNDS = (
    "纺织厂家属院 机械厂家属院 电力局家属院 供销社家属院 教师公寓 粮食局家属院 "
    "铁路家属院 水利局家属院 农机厂家属院 邮电局家属院 建筑公司家属院 化肥厂家属院"
).split()
_STREETS = (
    "文兴 长庆 建设 人民 渭滨 育才 友谊 胜利 丰登 乐业 朝阳 青年 "
    "团结 振兴 兴业 同德 崇文 玉祥 秦风 安康 新华 光明 和平 中兴 "
    "清河 望江 永宁 太平 嘉兴 宏远"
).split()
_VILLAGES = ("上王 小李 南安 北杜 西刘 东马 杨家 白寨 双庙 柳林 沙河 石桥 高庄 古槐").split()
_COMPANIES = ("和庭物业 安澜物业 恒居物业 绿野物业 心宁物业 同舟物业 佳邻物业 明德物业 泰和园物业").split()
_PLACES = {
    "school": "小学",
    "hospital": "医院",
    "market": "农贸市场",
    "park": "公园",
    "offices": "商务楼",
    "construction": "建设项目",
}
_FIGURES = "零一二三四五六七八九"
NO_COMPANY = "无"
RIVER, RAILWAY = "清洛河", "咸北铁路"


def name_streets(count: int, ending: str, rng: np.random.Generator) -> list[str]:
    """Return different names of streets with an ending; after the first thirty they are counted."""
    order = rng.permutation(len(_STREETS))
    return [_count_up(_STREETS[order[k % len(order)]], k // len(order), ending) for k in range(count)]


def _count_up(name: str, turn: int, ending: str) -> str:
    return name + (to_chinese(turn) if turn else "") + ending


def to_chinese(number: int) -> str:
    """Return a number from 1 to 99 in Chinese figures."""
    tens, ones = divmod(number, 10)
    return (_FIGURES[tens] if tens > 1 else "") + ("十" if tens else "") + (_FIGURES[ones] if ones else "")


def name_estates(kinds: list[str], rng: np.random.Generator) -> list[str]:
    """Return a different name for each estate, village or compound, in their order."""
    pairs = [a + b for a in _LUCKY for b in _HOMES]
    pools = {
        "village": iter([pool + "村" for pool in _shuffle(_VILLAGES, rng)]),
        "compound": iter(_shuffle(_COMPOUNDS, rng)),
        "": iter(_shuffle(pairs, rng)),
    }
    names, counted = [], dict.fromkeys(pools, 0)
    for kind in kinds:
        pool = kind if kind in ("village", "compound") else ""
        name = next(pools[pool], None)
        if name is None:  # names run out in a large city: estates are built in phases
            counted[pool] += 1
            again = {"village": _VILLAGES, "compound": _COMPOUNDS, "": pairs}[pool]
            number, phase = counted[pool] - 1, 2 + (counted[pool] - 1) // len(again)
            ending = "村" if pool == "village" else ""
            name = f"{again[number % len(again)]}{ending}{to_chinese(phase)}期"
        names.append(name)
    return names


def _shuffle(words: list[str], rng: np.random.Generator) -> list[str]:
    return [words[i] for i in rng.permutation(len(words))]


def name_places(kinds: list[str]) -> list[str]:
    """Return a different name for each public place, counted by kind."""
    seen = dict.fromkeys(_PLACES, 0)
    names = []
    for kind in kinds:
        seen[kind] += 1
        names.append(f"第{seen[kind]}{_PLACES[kind]}")
    return names


def choose_companies(walled: list[bool], rng: np.random.Generator) -> list[str]:
    """Return a property company for each estate: most open estates have none."""
    picks = rng.integers(0, len(_COMPANIES), len(walled)).tolist()
    managed = (rng.random(len(walled)) < np.where(walled, 0.95, 0.25)).tolist()
    return [_COMPANIES[p] if m else NO_COMPANY for p, m in zip(picks, managed, strict=True)]

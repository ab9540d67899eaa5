"""What is a building used for: residential, or which other use, by tags and by Chinese or English words?"""

from collections.abc import Mapping

from spatial.folding import fold_header

RESIDENTIAL = "residential"
UNKNOWN = "unknown"
ANCILLARY = "ancillary"

_WORDS: Mapping[str, str] = {
    RESIDENTIAL: "住宅 居住 住宅楼 居民楼 居民住宅 住房 商品房 公寓 宿舍 别墅 平房 自建房 民房 商住 商住楼 "
    "商住两用 安置房 回迁房 保障房 "
    "residential apartments apartment house detached semidetachedhouse semi terrace bungalow dormitory flats villa "
    "staticcaravan ger houseboat cabin dwelling housing",
    "commercial": "商业 商铺 商场 超市 酒店 宾馆 商业楼 综合楼 底商 commercial retail supermarket kiosk shop "
    "mall hotel hostel "
    "restaurant marketplace",
    "office": "办公 办公楼 写字楼 商务 行政办公 office government",
    "education": "学校 教育 教学楼 幼儿园 中学 小学 school kindergarten university college education",
    "health": "医院 医疗 卫生 诊所 卫生院 hospital clinic doctors health",
    "industrial": "工业 厂房 仓库 仓储 车间 industrial warehouse manufacture factory storagetank",
    "public": "公建 公共 公共建筑 配套 公共服务 文化 体育 体育馆 图书馆 社区服务 养老院 public civic community "
    "church mosque temple "
    "cathedral chapel shrine museum stadium sportshall sportscentre trainstation transportation firestation "
    "fireservice "
    "grandstand pavilion toilets library theatre religious monastery nursinghome",
    ANCILLARY: "附属 车库 车棚 岗亭 门卫 配电房 泵房 地下室 garage garages carport roof shed hut service parking "
    "bicycleparking "
    "transformertower greenhouse construction ruins collapsed gatehouse guardhouse container tent bunker wall bridge "
    "watertower silo stable barn farmauxiliary cowshed sty boathouse no demolished",
}
_USE_OF = {fold_header(word): use for use, words in _WORDS.items() for word in words.split()}
_UNSAID = frozenset({"", "yes", "building", "unknown", "未知", "其他", "不详", "房屋", "建筑"})
_LANDUSE = {
    "residential": RESIDENTIAL,
    "commercial": "commercial",
    "retail": "commercial",
    "industrial": "industrial",
    "railway": "industrial",
    "garages": ANCILLARY,
    "construction": ANCILLARY,
    "education": "education",
    "institutional": "public",
    "religious": "public",
    "military": "public",
    "greenhouse_horticulture": ANCILLARY,
}
_CAMPUS = {
    "school": "education",
    "kindergarten": "education",
    "university": "education",
    "college": "education",
    "hospital": "health",
    "clinic": "health",
    "marketplace": "commercial",
    "prison": "public",
    "townhall": "public",
    "place_of_worship": "public",
}


def read_use(text: str) -> str:
    """Return the use that a word means: one of ours, ``unknown`` where nothing is said, else the word itself."""
    folded = fold_header(text)
    if folded in _UNSAID:
        return UNKNOWN
    if folded in _USE_OF:
        return _USE_OF[folded]
    if any(word in folded for word in ("住宅", "公寓", "宿舍", "住房")) and "非住宅" not in folded:
        return RESIDENTIAL
    return folded


def tagged_use(tags: Mapping[str, str]) -> str:
    """Return the use of a building by its OpenStreetMap tags, the explicit ones first."""
    for key in ("building:use", "building"):
        use = read_use(tags.get(key, "").split(";")[0])
        if use != UNKNOWN:
            return use
    if tags.get("amenity"):
        return _CAMPUS.get(tags["amenity"], "public")
    if tags.get("shop"):
        return "commercial"
    if tags.get("office"):
        return "office"
    return "public" if tags.get("leisure") else UNKNOWN


def ground_use(tags: Mapping[str, str]) -> str:
    """Return the use of the ground of an area by its tags, "" where it says nothing about buildings on it."""
    if tags.get("amenity") in _CAMPUS:
        return _CAMPUS[tags["amenity"]]
    return _LANDUSE.get(tags.get("landuse", ""), "")

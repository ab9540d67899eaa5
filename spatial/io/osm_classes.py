"""What is a line of a drawn map, by the name of its class: a street of which rank, a railway, a river, a wall?

OpenStreetMap values stay as they are; the Chinese names are those of GB/T 51328 (urban roads) and of common survey
layers.
"""

from collections.abc import Mapping

from spatial.io.osm_tags import CLASS_ORDER, Tags

CLASS_COLUMNS = (
    "highway",
    "fclass",
    "class",
    "type",
    "road_class",
    "roadclass",
    "road_type",
    "roadtype",
    "kind",
    "道路等级",
    "道路类型",
    "道路类别",
    "等级",
    "类型",
    "类别",
    "道路级别",
    "级别",
)
"""Names of columns that hold the class, the likeliest first."""

NAME_COLUMNS = ("name", "道路名称", "道路名", "名称", "路名", "road_name", "roadname")

_HIGHWAY = frozenset(
    (*CLASS_ORDER, "bus_guideway", "raceway", "road", "crossing", "platform", "elevator", "construction", "proposed")
)
_RAILWAY = frozenset("rail subway light_rail tram monorail narrow_gauge funicular".split())
_WATERWAY = frozenset("river stream canal drain ditch riverbank".split())
_BARRIER = frozenset("wall fence hedge city_wall retaining_wall guard_rail".split())
_ALIASES: Mapping[str, tuple[str, str]] = {
    "railway": ("railway", "rail"),
    "miniature_railway": ("railway", "rail"),
    "track_grade1": ("highway", "track"),
    "track_grade2": ("highway", "track"),
    "track_grade3": ("highway", "track"),
    "track_grade4": ("highway", "track"),
    "track_grade5": ("highway", "track"),
    "unknown": ("highway", "unclassified"),
    "coastline": ("natural", "coastline"),
    "expressway": ("highway", "trunk"),
    "arterial": ("highway", "primary"),
    "local": ("highway", "residential"),
}
_CHINESE: Mapping[str, tuple[str, str]] = {
    "高速公路": ("highway", "motorway"),
    "高速": ("highway", "motorway"),
    "城市快速路": ("highway", "trunk"),
    "快速路": ("highway", "trunk"),
    "国道": ("highway", "trunk"),
    "主干路": ("highway", "primary"),
    "主干道": ("highway", "primary"),
    "城市主干路": ("highway", "primary"),
    "城市主干道": ("highway", "primary"),
    "省道": ("highway", "primary"),
    "次干路": ("highway", "secondary"),
    "次干道": ("highway", "secondary"),
    "城市次干路": ("highway", "secondary"),
    "城市次干道": ("highway", "secondary"),
    "县道": ("highway", "secondary"),
    "支路": ("highway", "tertiary"),
    "支道": ("highway", "tertiary"),
    "城市支路": ("highway", "tertiary"),
    "乡道": ("highway", "tertiary"),
    "匝道": ("highway", "trunk_link"),
    "街巷": ("highway", "service"),
    "巷道": ("highway", "service"),
    "巷": ("highway", "service"),
    "里弄": ("highway", "service"),
    "小区路": ("highway", "service"),
    "小区道路": ("highway", "service"),
    "内部道路": ("highway", "service"),
    "内部路": ("highway", "service"),
    "居住区道路": ("highway", "service"),
    "村道": ("highway", "unclassified"),
    "步行街": ("highway", "pedestrian"),
    "人行道": ("highway", "footway"),
    "人行道路": ("highway", "footway"),
    "步道": ("highway", "footway"),
    "人行天桥": ("highway", "footway"),
    "小路": ("highway", "path"),
    "绿道": ("highway", "path"),
    "自行车道": ("highway", "cycleway"),
    "台阶": ("highway", "steps"),
    "铁路": ("railway", "rail"),
    "高速铁路": ("railway", "rail"),
    "高铁": ("railway", "rail"),
    "轻轨": ("railway", "light_rail"),
    "地铁": ("railway", "subway"),
    "有轨电车": ("railway", "tram"),
    "河流": ("waterway", "river"),
    "河道": ("waterway", "river"),
    "河": ("waterway", "river"),
    "江": ("waterway", "river"),
    "溪": ("waterway", "stream"),
    "溪流": ("waterway", "stream"),
    "运河": ("waterway", "canal"),
    "水渠": ("waterway", "canal"),
    "沟渠": ("waterway", "ditch"),
    "海岸线": ("natural", "coastline"),
    "围墙": ("barrier", "wall"),
    "墙": ("barrier", "wall"),
    "城墙": ("barrier", "city_wall"),
    "栅栏": ("barrier", "fence"),
    "围栏": ("barrier", "fence"),
    "栏杆": ("barrier", "fence"),
    "绿篱": ("barrier", "hedge"),
    "堤坝": ("man_made", "dyke"),
    "堤": ("man_made", "dyke"),
}


def class_tags(name: str) -> Tags | None:
    """Return the tag that a class stands for, None where nothing is known of it."""
    key = name.strip()
    if key in _CHINESE:
        return dict([_CHINESE[key]])
    key = key.lower().replace(" ", "_")
    base = key.removesuffix("_link")
    if key in _HIGHWAY or base in _HIGHWAY:
        return {"highway": key}
    if key in _ALIASES:
        return dict([_ALIASES[key]])
    for tag, values in (("railway", _RAILWAY), ("waterway", _WATERWAY), ("barrier", _BARRIER)):
        if key in values:
            return {tag: key}
    return None

"""Which column of a planner's table is which? Names in Chinese (both scripts) and English to one word each."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from spatial.errors import InputError
from spatial.folding import fold_header

_DBF_NAME_BYTES = 10

_CODE = "编码 代码 编号 唯一编号 code id gid uid objectcode"
_OF_BLOCKS = "block_id grid_id together focal neighbor shared_m clear_m clarity crossable barrier"
_ALIASES: Mapping[str, str] = {
    "name": "小区名称 楼盘名称 网格名称 站点名称 设施名称 名称 小区名 楼盘名 小区 楼盘 名字 name estatename title",
    "community_name": "社区名称 居委会名称 社区 居委会 名称 名字 name communityname title",
    "estate_id": f"小区编码 小区编号 小区代码 estateid {_CODE}",
    "building_id": f"楼栋编码 楼栋编号 楼栋号 楼号 幢号 buildingid {_CODE}",
    "community_id": f"社区编码 社区代码 社区编号 统计用区划代码 区划代码 communityid code12 {_CODE}",
    "gate_id": f"门编号 出入口编号 gateid {_CODE}",
    "site_id": f"站点编码 设施编码 siteid facilityid candidateid {_CODE}",
    "source_id": f"起点编码 起点编号 站点编码 站点编号 设施编码 设施编号 sourceid siteid facilityid poiid "
    f"originid candidateid fromid {_CODE}",
    "demand_id": "需求点编码 需求点编号 需求编号 demandid destinationid toid 楼栋编码 楼栋编号 buildingid 小区编码 "
    f"小区编号 estateid {_CODE}",
    "poi_id": f"兴趣点编码 poiid {_CODE}",
    "number": "序号 顺序号 行号",
    "code": f"网格编码 网格代码 网格编号 gridcode gridid {_CODE}",
    "households": "总户数 住户总数 居民户数 住户数 户数 规划户数 实有户数 常住户数 房屋套数 总套数 套数 "
    "households hh dwellings "
    "numhouseholds units flats building:flats",
    "lon": "经度 lon lng long longitude x坐标 坐标x x",
    "lat": "纬度 lat latitude y坐标 坐标y y",
    "lonlat": "经纬度 经纬度坐标 坐标 地理坐标 位置坐标 lonlat lnglat latlon latlng coordinates coordinate location",
    "buildings": "楼栋总数 楼栋数量 总栋数 楼栋数 栋数 楼幢数 幢数 楼栋 buildings numbuildings",
    "access": "封闭情况 封闭类型 开放程度 封闭开放 封闭或开放 封闭 开放 是否封闭 是否开放 小区类型 通行方式 通行 "
    "access gated",
    "company": "物业公司 物业服务企业 物业企业 物业管理公司 物业单位 物业 propertycompany company",
    "built": "建成年代 建筑年代 建成年份 建成时间 竣工时间 建筑年份 年代 built yearbuilt builtyear startdate",
    "community": "所属社区 所在社区 所属社区居委会 社区名称 社区 居委会 community",
    "estate": "小区编码 小区编号 estateid 所属小区 所在小区 小区名称 小区 estate estatename",
    "area": "建筑面积 使用面积 用房面积 面积 flooraream2 floorarea aream2 area",
    "levels": "地上层数 总层数 楼层数 建筑层数 层数 楼层 building:levels levels floors storeys stories",
    "use": "房屋用途 建筑用途 使用性质 用途 性质 use building:use buildinguse usage function building",
    "elderly": "老年人口 老年人口数 老年人数 老人数 老年人 60岁以上 65岁以上 elderly seniors",
    "children": "儿童人口 儿童人口数 儿童数 儿童 少年儿童 children kids",
    "kind": "设施类型 站点类型 兴趣点类型 类型 类别 种类 kind type category class amenity shop",
    "mode": "取得方式 来源方式 建设方式 方式 mode acquisition",
    "cost": "建设成本 改造费用 成本 费用 造价 投资 cost price",
    "capacity": "容量 服务容量 服务能力 可服务户数 capacity",
    "fixed": "已有 现有 已建 是否已有 是否现有 是否已建 fixed existing",
    "level": "层级 级别 等级 设施级别 level",
    "weight": "权重 weight",
    "load": "负荷 占用 load",
    "hours": "开放时间 开门时间 通行时间 时间 hours openinghours",
    "floor": "所在楼层 所在层 楼层 层 floor storey floornumber",
    "vertical_id": f"竖向网格编码 立体网格编码 垂直网格编码 verticalid 网格编码 网格代码 网格编号 gridcode {_CODE}",
    "lowest_floor": "最低楼层 起始楼层 起始层 起始层数 起层 楼层起 lowestfloor floorfrom fromfloor minfloor minlevel",
    "highest_floor": "最高楼层 终止楼层 结束楼层 终止层 终止层数 止层 楼层止 highestfloor floorto tofloor maxfloor "
    "maxlevel",
    "height": "高程 高程值 海拔 海拔高度 标高 高度 zm z elevation elevationm elev ele height heightm altitude dem",
    "layer": "所属部门 部门 条线 网格类型 图层 layer department dept",
    "suspect": "存疑 可疑 suspect doubtful",
}


@lru_cache(maxsize=1)
def _alias_ranks() -> dict[str, dict[str, int]]:
    """Field -> folded alias -> rank, the better known first; ends cut off in a .dbf rank behind whole names."""
    ranks: dict[str, dict[str, int]] = {}
    for field, text in _ALIASES.items():
        folded = [fold_header(alias) for alias in text.split()]
        whole = {alias: rank for rank, alias in reversed(list(enumerate(folded)))}
        cut = {short: len(folded) + rank for rank, alias in enumerate(text.split()) for short in _cut_names(alias)}
        ranks[field] = {**cut, **whole}
    return ranks


def _cut_names(alias: str) -> set[str]:
    """Return what a .dbf leaves of a name longer than its ten bytes, in GBK and in UTF-8."""
    cut = set()
    for encoding in ("gb18030", "utf-8"):
        raw = alias.encode(encoding)
        if len(raw) > _DBF_NAME_BYTES:
            cut.add(fold_header(raw[:_DBF_NAME_BYTES].decode(encoding, errors="ignore")))
    return cut - {""}


@lru_cache(maxsize=1)
def _known_headers() -> frozenset[str]:
    return frozenset(alias for field, ranks in _alias_ranks().items() for alias, rank in ranks.items()) | {
        fold_header(word) for word in f"地址 备注 序号 行政区 街道 物业类型 address kind remark {_OF_BLOCKS}".split()
    }


def count_known(cells: Iterable[object]) -> int:
    """Return how many cells of a row read like a header."""
    known = _known_headers()
    return len({folded for cell in cells if (folded := fold_header(cell)) in known})


def find_columns(columns: Iterable[object], fields: Iterable[str], where: str) -> dict[str, str]:
    """Return field -> column for the fields that a table has.

    Of several columns that may mean one field the better known name wins: ``总户数`` before ``户数``.

    Raises
    ------
    InputError
        If two columns bear the same name, so that neither can be preferred.
    """
    names = [str(column) for column in columns]
    found: dict[str, str] = {}
    for field in fields:
        ranks = _alias_ranks()[field]
        ranked = sorted((rank, name) for name in names if (rank := ranks.get(fold_header(name))) is not None)
        if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
            raise InputError(f"{where}: columns {ranked[0][1]!r} and {ranked[1][1]!r} both say {field}; needed one")
        if ranked:
            found[field] = ranked[0][1]
    return found


def columns_for(columns: Iterable[object], fields: Iterable[str]) -> list[str]:
    """Return the columns, in their order, that may mean any of the fields, however many mean one."""
    aliases = {alias for field in fields for alias in _alias_ranks()[field]}
    return [str(column) for column in columns if fold_header(column) in aliases]

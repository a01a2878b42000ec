"""Words that betray a kind of answer. They only help: structure (length, topic, language, kind) carries the judgment.

Lists decay (scoring.md 1.6), so every rule that uses one compares: green says it, blue does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator


class Phrases:
    """Patterns over a lower-case text, each tried only where one of its words stands: over a whole answer a
    pattern costs ten times what the look for a word does."""

    def __init__(self, *rules: tuple[str, str]) -> None:
        """Each rule is its words, `|` between them, and its pattern."""
        self._rules = [(words.split("|"), re.compile(pattern, re.MULTILINE)) for words, pattern in rules]

    def findall(self, text: str) -> Iterator[str]:
        """What matches, rule by rule."""
        for words, pattern in self._rules:
            for word in words:
                if word in text:
                    for match in pattern.finditer(text):
                        yield match[0]
                    break

    def search(self, text: str) -> str:
        """The first that matches, or an empty string."""
        return next(self.findall(text), "")


REFUSAL = Phrases(
    ("抱歉|对不起|不好意思|很遗憾|请原谅",
     r"(?:抱歉|对不起|不好意思|很遗憾|请原谅)[^。.!！\n]{0,24}(?:无法|不能|没有|未能|不便|不清楚|不了解|帮不)"),
    ("我", r"我(?:们)?(?:暂时|目前|现在|还|恐怕|也)?(?:无法|不能|不便|没办法|没有办法|无权|不被允许)(?:为您|为你|向您|对此|就此|直接)?"
     r"(?:回答|提供|确定|获取|访问|协助|帮助|讨论|处理|回应|满足|完成|给出|生成|评论)"),
    ("作为", r"作为(?:一个|一名)?(?:人工智能|ai|大?语言模型|虚拟助手|智能助手)[^。\n]{0,30}(?:无法|不能|不便|没有|不会|不具备)"),
    ("问题|请求|话题|内容", r"(?:这个|该|您的|此)(?:问题|请求|话题|内容)[^。\n]{0,12}(?:无法回答|不能回答|无法处理|不便回答|超出)"),
    ("没有", r"没有(?:找到|检索到|查到|查询到)[^。\n]{0,8}相关"),
    ("知识库", r"知识库(?:中|里)?(?:没有|未|暂无)"),
    ("超出|换|暂", r"超出(?:了)?我的(?:能力|知识|服务)|换(?:一)?个话题|暂(?:时)?(?:无法|不支持)(?:回答|提供|处理)"),
    ("sorry|afraid|unable|not able|not allowed",
     r"\b(?:i'?m|i am|we'?re|we are)\s+(?:really |very |so |truly )?(?:sorry|afraid|unable|not able|not allowed)\b"),
    ("sorry|apologies|unfortunately|regrettably",
     r"\b(?:sorry|apologies|unfortunately|regrettably)\b[^.\n]{0,40}\b(?:can'?t|cannot|can not|unable|won'?t|not able|couldn'?t|don'?t)\b"),
    ("can't|cant|cannot|can not|won't|wont|will not|decline|unable",
     r"\bi\s+(?:can'?t|cannot|can not|won'?t|will not|must decline|have to decline|am unable to|'?m unable to)\s+"
     r"(?:\w+ ){0,2}(?:help|assist|answer|provide|discuss|comply|fulfil+|continue|respond|generate|create|share|complete|process|do that)"),
    ("as an ai|language model", r"\bas an ai\b|\bas a (?:large )?language model\b"),
    ("not able|not in a position", r"\bnot (?:able|in a position) to (?:help|assist|answer|provide)\b"),
    ("my scope|my capabilit|my knowledge", r"\b(?:outside|beyond) (?:of )?my (?:scope|capabilit|knowledge)"),
    ("against", r"\bagainst (?:my|our) (?:policy|policies|guidelines)"),
    ("found", r"\bno (?:relevant|matching) (?:results|documents|information) (?:was |were )?found"),
    ("have", r"\bi don'?t have (?:enough |any |that )?information"),
)  # fmt: skip

ERRORS = {
    "error": ("internal server error", "connection error", "stream error", "cuda error", "keyerror:", "typeerror:", "valueerror:",
              "runtimeerror:", "error code", '"error"', "'error'", "[error]", "error:", "error_code", "unexpected error",
              "an error occurred", "%first_chunk_error%"),
    "gateway": ("bad gateway", "gateway timeout", "gateway time-out", "504 gateway"),
    "service": ("service unavailable", "503 service"),
    "trace": ("traceback (most recent call last)", "stack trace"),
    "re": ("too many requests", "upstream request", "connection refused", "connection reset", "econnreset", "stream interrupted"),
    "rate limit": ("rate limit",),
    "memory": ("out of memory",),
    "wrong": ("something went wrong",),
    "context": ("context length", "maximum context"),
    "errcode": ("errcode",),
    "upstream": ("upstream connect error",),
    "timed out": ("timed out",),
    "exception": ("unhandled exception", "nullpointerexception", "exception:"),
    "status": ("status code",),
    "quota": ("insufficient_quota", "quota exceeded"),
    "overloaded": ("overloaded",),
    "50": ("502 bad", "500 internal", "http 500", "http 502", "http 503"),
    "服务": ("服务繁忙", "服务异常", "服务器错误", "服务器内部错误"),
    "系统": ("系统繁忙", "系统异常"),
    "错": ("内部错误", "网络错误", "发生错误", "出现错误", "出错了", "错误码", "错误代码"),
    "请": ("请求过于频繁", "请求超时", "请重试", "请求失败"),
    "网络": ("网络异常",),
    "连接": ("连接超时", "连接中断"),
    "不足": ("余额不足", "额度不足"),
    "稍后": ("稍后再试", "稍后重试"),
    "失败": ("生成失败", "调用失败"),
    "异常": ("接口异常",),
    "上游": ("上游",),
    "模型": ("模型加载",),
    "超出": ("超出最大长度",),
}  # fmt: skip
"""By a word they share: what an error says where an answer should stand."""


def errors(text: str) -> list[str]:
    """The error literals in a lower-case text."""
    return [literal for word, literals in ERRORS.items() if word in text for literal in literals if literal in text]


_ROLES = "system|human|user|assistant|instruction|response|question|context"
_SLOTS = (
    "eos|bos|pad|unk|sep|cls|mask|gmask|sop|sys|inst|user|human|bot|ai|assistant|system|context|question|answer|input|output|"
    "response|instructions?|prompt|documents?|source|query|tools?|think(?:ing)?|tool_call|function_call|placeholder"
)
LEAK = Phrases(
    ("<", r"<\|[^|>\n]{1,40}\|?>"),
    ("<", rf"</?s>|(?<!\w)<[/|]?(?:[a-z]+_[a-z_]+|{_SLOTS})\|?>"),
    ("]", rf"\[/?(?:{_SLOTS})\]"),
    ("sys>>", r"<</?sys>>"),
    ("{{|{%|<%", r"\{\{[^{}\n]{1,60}\}\}|\{%[^%\n]{1,60}%\}|<%[^%\n]{1,60}%>"),
    ("{", r"\{[a-z][a-z0-9]*(?:_[a-z0-9]+)+\}|[$#]\{[a-z_.]{2,40}\}|(?<![\w\\}^])\{ ?[a-z][a-z0-9.-]{2,30} ?\}"),
    ("%(", r"%\([a-z_]+\)s"),
    ("%", r"(?<![\w%])%(?:[sd](?![a-z%])|[a-z][a-z_]{2,20}%)"),
    ("@@|__", r"@@\w{2,30}@@|(?<!\w)__[a-z]+_[a-z_]+__(?!\w)"),
    ("$", r"(?<!\w)\$[a-z]+_[a-z_]+\b"),
    ("[object", r"\[object object\]"),
    ("##", r"(?<!#)#{2,}\s*(?:system|human|user|assistant|instruction|response|input|output|context|回答|指令|输入|输出)\b"),
    (_ROLES, rf"^(?:###\s*)?(?:{_ROLES})\s*[:：]"),
    ("系统|用户|助手|人类|提问|指令|已知信息|上下文|提示词|对话|检索结果",
     r"^(?:系统|用户|助手|人类|提问|指令|已知信息|上下文|系统提示|提示词|对话历史|历史对话|检索结果)\s*[:：]"),
    ("you are", r"\byou are (?:a|an) (?:helpful|friendly|expert|professional|honest|knowledgeable|\w+ assistant|\w+ bot|ai)\b"),
    ("your task|act as|below is an|following is a conversation|use the following",
     r"\byour task is to\b|\bact as an? (?:\w+ ){0,2}(?:assistant|expert|bot|agent)\b|\bbelow is an instruction\b"
     r"|\bfollowing is a conversation\b|\buse the following (?:pieces|context|documents|information)\b"),
    ("你是", r"你是(?:一个|一名|一位)[^。\n]{0,20}(?:助手|专家|客服|机器人|顾问|模型|律师|医生)"),
    ("任务是|扮演|以下是", r"你的任务是|请(?:你)?扮演|以下是(?:用户|一段对话|对话|检索)"),
    ("system prompt|reveal|disclose|based on the",
     r"\b(?:system prompt|(?:do not|never) (?:reveal|disclose)|answer (?:only )?based on the (?:following|context|provided))"),
    ("请根据|请基于|不要|不得", r"请(?:根据|基于)(?:以下|上述|下面|已知)[^。\n]{0,12}(?:内容|信息|资料|上下文|文档)(?:回答|作答)|不(?:要|得)(?:透露|泄露)"),
    ("undefined|nan|none|null", r"\b(?:undefined|nan|none|null)\b(?=\s*[。.,，]?\s*$)"),
)  # fmt: skip

DISCLAIMER = Phrases(
    ("参考|不构成|为准|责任|生成|免责|不代表|不保证|不作为|作为", r"仅供[^。\n]{0,6}参考|仅作[^。\n]{0,4}参考|不构成[^。\n]{0,16}(?:建议|意见|承诺|依据)|(?:具体|最终)[^。\n]{0,10}以[^。\n]{0,14}为准"
     r"|(?:不承担|概不)[^。\n]{0,12}责|由(?:ai|人工智能|模型)(?:自动)?生成|以(?:官方|实际|最新|相关)[^。\n]{0,12}为准|免责声明|不代表[^。\n]{0,10}(?:立场|观点|意见)"
     r"|不保证[^。\n]{0,14}(?:准确|正确|完整|结果)|不(?:能|应|可|得)?作为[^。\n]{0,14}(?:依据|建议|凭证)"),
    ("咨询|询问|就诊|就医|遵医嘱|核实|核对", r"(?:请|建议|应)[^。\n]{0,14}(?:咨询|询问|就诊|就医)[^。\n]{0,14}(?:律师|医生|医师|专业|顾问|机构|人士|客服)|(?:谨)?遵医嘱"
     r"|(?:请|建议)[^。\n]{0,12}(?:核实|核对)"),
    ("代替|替代|取代", r"不(?:能|可)?(?:代替|替代|取代)[^。\n]{0,12}(?:建议|意见|诊断|治疗|判断)"),
    ("风险|谨慎", r"投资有风险|风险自(?:担|负)|谨慎(?:投资|决策|参考|使用)"),
    ("not ", r"\bnot (?:a substitute for|intended as|constitute|legal|medical|financial|professional)\b[^.\n]{0,60}\b(?:advice|diagnosis|treatment)?"
     r"|\bnot (?:be )?(?:taken|considered|relied|construed)[^.\n]{0,30}\b(?:advice|on|upon)\b"),
    ("only", r"\b(?:for )?(?:informational|information|educational|reference|general|illustrative) (?:purposes|information|use) only\b|\bfor reference only\b"),
    ("consult", r"\bconsult\b[^.\n]{0,40}\b(?:professional|doctor|physician|lawyer|attorney|advisor|adviser|expert|provider|advice|specialist)"),
    ("speak|seek", r"\b(?:speak (?:with|to)|seek)\b[^.\n]{0,40}\b(?:professional|doctor|physician|lawyer|attorney|advisor|adviser|expert|provider|advice)"),
    ("generated|written by|produced by", r"\b(?:(?:generated|produced) by (?:an )?(?:ai|artificial)|ai[- ]generated|written by (?:an )?ai)\b"),
    ("may ", r"\bmay (?:contain|be|have|include) (?:errors|mistakes|inaccura|wrong|incomplete|outdated)"),
    ("performance|indicative|own risk|disclaimer", r"\bpast performance\b|\bnot indicative of future\b|\bat your own risk\b|\bdisclaimer\b"),
    ("no warranty|no guarantee|no liability|responsib|verify|check", r"\bno (?:warranty|guarantee|liability)\b|\bnot (?:responsible|liable) for\b"
     r"|\bplease (?:verify|double-check|check) (?:the |any |this |it |important |with )"),
)  # fmt: skip

NOT_NEGATIVE = re.compile(
    "不过|不仅|不但|不断|不同|不管|不论|不久|不少|不错|不妨|不禁|不由|不然|不一|不如|不只|不单|非常|无论|无数|无比|无非|未来|未必|除非|并非常|差不多"
    "|不得不|不可避免|是不是|能不能|可不可|有没有|要不|了不起|对不起|不好意思|莫非|非洲|不动产|不知不觉|毫不|不等"
)
_ZH_NEGATIVE = re.compile("[不没无未非勿莫]|禁止|拒绝|切勿|别(?:再|去|让|把)")
_EN_NEGATIVE = frozenset(
    "not no never cannot without nor neither none nothing nobody nowhere hardly unable cant dont wont".split()
)
_APART = str.maketrans(dict.fromkeys('.,;:!?()[]{}"/-*_`~|<>=+', " "))


def negations(text: str) -> int:
    """How many negations a lower-case text holds; words that only look negative do not count."""
    words = text.translate(_APART).split()
    count = sum(map(_EN_NEGATIVE.__contains__, words)) + text.count("n't") + text.count("n’t")
    if not text.isascii():
        count += len(_ZH_NEGATIVE.findall(NOT_NEGATIVE.sub("", text)))
    return count


TRADITIONAL = frozenset(
    "們國時會來這說為對沒個學過還後麼動樣發經現進頭問見開關長東車書馬門電話語認識請謝應該實點體務處報場邊機氣產業萬與兩"
    "嚴豐臨義習鄉買亂爭雲亞親億僅從倉儀價眾優傳傷倫偽傭側債傾償儲兒黨蘭興養內寫軍農衝決況凍淨準涼減鳳憑擊劃劉則剛創別"
    "劑劍劇勸辦勞勢勵醫華協單賣衛卻廠廳歷厲壓厭縣雙變敘葉號嘆聽啟吳員響團園圍圖圓聖壞塊堅壇墳執擴掃揚撫擔擬擁擇掛揮損換據"
    "數斷無舊曆條楊極構槍檢樓標樞橋權歐歡殺淚漢滅滿漸潔濟濤灣熱燈爾獨獎環瑪療確碼禮種稱積穩競筆節範糧級紀約紅純紙細終組結給統"
    "絕絲綠維網緊線編緩練總績織繼續罰罷職聯聲肅腦腳膽臉艱節藥蘇蟲術補裝製複規視覺觀觸訂計訊討訓記設許訴診評詞試詩誠誤調談論證"
    "護譯讀變讓豬貓貝負財責貨質購費資賴贈贊趙跡踐軌軟較載輕輛輪輸辭運違遠適選遺郵鄰釋針銀鋼錄錢錯鐘鐵鑰閃閉間隊陽階際陸陳險隨隱雜"
    "離難霧靜響頁項順須預頓領頻題額顏願類顧風飛飯飲館驅驗驚髮鬥魚鮮鳥鳴麗麥黃齊齒龍龜"
)
SIMPLIFIED = (
    frozenset(
        "们国时会来这说为对没个学过还后么动样发经现进头问见开关长东车书马门电话语认识请谢应该实点体务处报场边机气产业万与两"
        "严丰临义习乡买乱争云亚亲亿仅从仓仪价众优传伤伦伪佣侧债倾偿储儿党兰兴养内写军农冲决况冻净准凉减凤凭击划刘则刚创别"
        "剂剑剧劝办劳势励医华协单卖卫却厂厅历厉压厌县双变叙叶号叹听启吴员响团园围图圆圣坏块坚坛坟执扩扫扬抚担拟拥择挂挥损换据"
        "数断无旧历条杨极构枪检楼标枢桥权欧欢杀泪汉灭满渐洁济涛湾热灯尔独奖环玛疗确码礼种称积稳竞笔节范粮级纪约红纯纸细终组结给统"
        "绝丝绿维网紧线编缓练总绩织继续罚罢职联声肃脑脚胆脸艰节药苏虫术补装制复规视觉观触订计讯讨训记设许诉诊评词试诗诚误调谈论证"
        "护译读变让猪猫贝负财责货质购费资赖赠赞赵迹践轨软较载轻辆轮输辞运违远适选遗邮邻释针银钢录钱错钟铁钥闪闭间队阳阶际陆陈险随隐杂"
        "离难雾静响页项顺须预顿领频题额颜愿类顾风飞饭饮馆驱验惊发斗鱼鲜鸟鸣丽麦黄齐齿龙龟"
    )
    - TRADITIONAL
)
TRADITIONAL_ONLY = TRADITIONAL - SIMPLIFIED


FUNCTION_WORDS = {
    "en": frozenset(
        "the of and to in is that for it as was with be by on are this you not or have from at your can".split()
    ),
    "de": frozenset(
        "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an".split()
    ),
    "fr": frozenset(
        "de la le et les des en un une du dans est que pour qui par sur au avec ne pas plus vous".split()
    ),
    "es": frozenset("de la que el en y los se del las un por con una su para es no lo al como más pero sus".split()),
    "pt": frozenset("de a o que e do da em um para com não uma os no se na por mais as dos como mas ao".split()),
    "it": frozenset("di e il la che in un per è una del non con le si da dei della sono al come più gli".split()),
}
"""The commonest small words by language: enough to tell which of these a text is in."""

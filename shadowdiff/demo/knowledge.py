"""What the demo's assistant knows: topics with questions and answers, Chinese and English, our own writing.

`{a}`, `{b}`, `{c}` are numbers drawn per variant; every answer ends in its sources and, for topics that
need one, a disclaimer (仅供参考). Long topics have a list, so that a cut answer loses steps.
"""

from __future__ import annotations

import msgspec


class Topic(msgspec.Struct, frozen=True):
    """One thing people ask about: `questions` are follow-up turns in order."""

    key: str
    lang: str
    kind: str
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    source: str


ZH_NOTE = "以上内容仅供参考，具体以合同条款和官方公告为准。"
EN_NOTE = "This information is for reference only; the signed contract prevails."

TOPICS: tuple[Topic, ...] = (
    Topic("refund", "zh", "plain",
          ("{n}号套餐怎么申请退款？", "退款多久能到账？", "如果超过期限还能退吗？"),
          ("{n}号套餐在签收后{a}天内可以无理由退款。请在订单页面点击“申请退款”，选择原因并上传照片，客服会在{b}小时内审核。[1]",
           "审核通过后，款项会在{b}个工作日内原路退回；使用信用卡支付的订单可能需要{c}个工作日。[1]",
           "超过{a}天后不支持无理由退款，但质量问题在{c}个月内仍可申请换货或维修，请保留好购买凭证。[1]"),
          "售后服务手册"),
    Topic("refund", "en", "plain",
          ("How do I return plan {n}?", "How long until the money is back?", "What if I am past the deadline?"),
          ("Plan {n} can be returned within {a} days of delivery. Open the order page, choose Return, give a reason and attach a photo; support reviews it within {b} hours. [1]",
           "Once approved, the money goes back to the original payment method in {b} business days; credit cards may take {c} business days. [1]",
           "After {a} days a return without a reason is no longer possible, but defects are covered for {c} months; please keep the receipt. [1]"),
          "Service handbook"),
    Topic("invest", "zh", "noted",
          ("稳健{n}号理财产品的收益率是多少？", "它的风险等级是几级？"),
          ("稳健{n}号的业绩比较基准为年化{a}.{b}%，起购金额{c}万元，封闭期{a}个月。过往业绩不代表未来表现。[1]" + ZH_NOTE,
           "该产品风险等级为R{r}，适合能够承受一定波动的投资者，购买前需要完成风险测评。[1]" + ZH_NOTE),
          "产品说明书"),
    Topic("invest", "en", "noted",
          ("What does the Steady {n} fund yield?", "How risky is it?"),
          ("Steady {n} has a benchmark of {a}.{b}% a year, a minimum of {c}0,000 yuan and is closed for {a} months. Past performance says nothing about the future. [1] " + EN_NOTE,
           "It is rated R{r} and suits investors who can bear some swings; a risk assessment is required before buying. [1] " + EN_NOTE),
          "Fund prospectus"),
    Topic("install", "zh", "long",
          ("怎么在{n}型路由器上设置访客网络？", "设置好以后如何限速？"),
          ("在{n}型路由器上开启访客网络的步骤如下：\n1. 用浏览器打开管理页面，输入管理员密码登录；\n2. 进入“无线设置”，选择“访客网络”；\n3. 打开开关，填写网络名称，建议与主网络不同；\n4. 设置至少{a}位的密码，并选择加密方式；\n5. 将同时在线设备数限制为{b}台；\n6. 点击保存，等待约{c}秒后路由器会自动重启。[1]",
           "限速可以按下面的步骤完成：\n1. 进入“设备管理”，找到访客网络；\n2. 打开“智能限速”；\n3. 将下行速率设为{a}兆，上行速率设为{b}兆；\n4. 如需分时段生效，请添加时间表；\n5. 保存后用手机测速，确认结果与设定相差不超过{c}%。[1]"),
          "用户手册第3章"),
    Topic("install", "en", "long",
          ("How do I set up a guest network on router model {n}?", "How do I limit its speed afterwards?"),
          ("To set up a guest network on model {n}:\n1. Open the admin page in a browser and log in with the administrator password;\n2. Go to Wireless and choose Guest network;\n3. Switch it on and give it a name that differs from the main network;\n4. Set a password of at least {a} characters and choose the encryption;\n5. Limit the number of devices to {b};\n6. Save and wait about {c} seconds while the router restarts. [1]",
           "To limit the speed:\n1. Open Devices and find the guest network;\n2. Switch on Smart limit;\n3. Set {a} Mbit/s down and {b} Mbit/s up;\n4. Add a schedule if it should apply at certain hours only;\n5. Save, run a speed test on a phone, and check that it is within {c}% of the setting. [1]"),
          "User manual, chapter 3"),
    Topic("hours", "zh", "plain",
          ("{n}路营业厅几点开门？", "节假日也营业吗？"),
          ("{n}路营业厅周一至周五{a}:30开门，晚上{c}点关门，午间不休息；办理业务请在关门前{b}分钟取号。[1]",
           "法定节假日照常营业，但时间缩短为{a}:30到16:00；春节期间休息{b}天，届时可以使用自助终端。[1]"),
          "网点公告"),
    Topic("hours", "en", "plain",
          ("When does the branch on street {n} open?", "Is it open on holidays?"),
          ("The branch on street {n} opens at {a}:30 from Monday to Friday and closes at {c} pm without a lunch break; please take a ticket at least {b} minutes before closing. [1]",
           "It is open on public holidays from {a}:30 to 16:00; over the Spring Festival it closes for {b} days, when the self-service terminals stay available. [1]"),
          "Branch notice"),
    Topic("health", "zh", "noted",
          ("体检报告里第{n}项指标偏高怎么办？", "平时饮食要注意什么？", "多久复查一次？"),
          ("第{n}项指标轻度升高常见于近期饮食油腻或睡眠不足，建议先清淡饮食{a}周，每天步行{c}000步以上，再复查一次；如果超过正常值上限{b}倍，请尽快就医。[1]" + ZH_NOTE,
           "建议每天摄入盐不超过{b}克，蔬菜{c}00克以上，少喝含糖饮料，每周饮酒不超过{a}次。[1]" + ZH_NOTE,
           "一般建议{a}周后空腹复查；正在服药的患者每{b}个月复查一次，并带上既往报告。[1]" + ZH_NOTE),
          "健康管理指南"),
    Topic("health", "en", "noted",
          ("Marker {n} in my check-up is high, what now?", "What should I eat?", "When should I test again?"),
          ("A slightly raised marker {n} is common after rich food or little sleep: eat lightly for {a} weeks, walk {c}000 steps a day, then test again; if it is over {b} times the normal limit, see a doctor soon. [1] " + EN_NOTE,
           "Keep salt under {b} grams a day, eat {c}00 grams of vegetables, avoid sugary drinks, and have alcohol at most {a} times a week. [1] " + EN_NOTE,
           "Usually {a} weeks later, fasting; patients on medication test every {b} months and bring earlier reports. [1] " + EN_NOTE),
          "Health guide"),
    Topic("invoice", "zh", "long",
          ("{n}月份的订单怎么开增值税专用发票？", "开错了抬头怎么办？"),
          ("开具{n}月份订单的增值税专用发票，请按以下步骤操作：\n1. 登录企业账户，进入“发票管理”；\n2. 勾选需要开票的订单，一次最多{a}笔；\n3. 填写公司名称、税号、地址和开户行；\n4. 上传营业执照扫描件，大小不超过{b}兆；\n5. 确认税率为{c}%后提交；\n6. 审核通过后电子发票会发送到预留邮箱。[1]",
           "如果抬头填写错误，请按以下步骤处理：\n1. 在“发票管理”中找到该发票并申请作废；\n2. 跨月的发票需要先开具红字信息表；\n3. 上传情况说明并加盖公章；\n4. 财务会在{b}个工作日内审核；\n5. 审核通过后重新开票，每张发票最多更正{a}次。[1]"),
          "财务规定"),
    Topic("invoice", "en", "long",
          ("How do I get a VAT invoice for orders of month {n}?", "What if the company name is wrong?"),
          ("To get a VAT invoice for month {n}:\n1. Log in to the company account and open Invoices;\n2. Tick the orders, at most {a} at a time;\n3. Enter company name, tax number, address and bank;\n4. Upload a scan of the business licence of at most {b} MB;\n5. Check that the rate is {c}% and submit;\n6. After approval the invoice is sent to the registered mail address. [1]",
           "If the name is wrong:\n1. Find the invoice under Invoices and ask to void it;\n2. For an invoice of an earlier month issue a correction form first;\n3. Upload an explanation with the company seal;\n4. Accounting reviews it within {b} business days;\n5. Then the invoice is issued again; each may be corrected at most {a} times. [1]"),
          "Finance rules"),
)  # fmt: skip
